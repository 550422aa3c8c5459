package hostmgr_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A ponderer is Multiple(2), and learns; it takes its time over the first beat at an interval of
// a second.
type ponderer struct {
	once    sync.Once
	in, out chan struct{}
}

func (p *ponderer) Learns() bool { return true }

func (p *ponderer) Patience(x hostmgr.Pulse) (suspect, evict time.Duration) {
	if x.Beats > 0 && x.Interval == second {
		p.once.Do(func() { close(p.in); <-p.out })
	}
	return 0, 2 * x.Interval
}

// A heartbeat asks the policy; meanwhile the host announces that its interval is a minute. What
// comes of the question is about another interval.
func TestPatienceThatWasAskedForAnotherIntervalIsOverlooked(t *testing.T) {
	for _, shadow := range []bool{false, true} {
		p := &ponderer{in: make(chan struct{}), out: make(chan struct{})}
		cfg := hostmgr.Config[string]{Policy: p}
		if shadow {
			cfg = hostmgr.Config[string]{Shadow: p}
		}
		s := newScript(t, cfg)
		s.join("a")
		s.clock.Advance(second)
		done := make(chan struct{})
		go func() { defer close(done); _, _ = s.Heartbeat("a", 0) }()
		<-p.in
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Minute})
		close(p.out)
		<-done
		s.after(2 * time.Minute)
		require.False(t, s.gone("a"))
		s.after(1)
		require.True(t, s.gone("a"))
	}
}

// A beat that was heard elsewhere comes to be known after a look that counted on none, and makes
// patience short.
func TestPatienceThatShrinksByAnObservedBeat(t *testing.T) {
	p := &pupil{answer: func(p hostmgr.Pulse) (time.Duration, time.Duration) { return 0, 10 * p.Interval }}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * second})
	s.after(10*second + 1)
	p.answer = func(p hostmgr.Pulse) (time.Duration, time.Duration) { return 0, p.Interval }
	s.clock.Advance(9*second - 1)
	require.NoError(t, s.Observe("a", 0, 12*second))
	require.Equal(t, hostmgr.Offline, s.get("a").State)
	next, ok := s.Next()
	require.True(t, ok)
	require.False(t, next.After(s.clock.Now()))
	s.Sweep(t.Context())
	require.Zero(t, s.Len())
}

// The same after a stall, which had put the deadline off.
func TestPatienceThatShrinksAfterAStall(t *testing.T) {
	p := &pupil{answer: func(p hostmgr.Pulse) (time.Duration, time.Duration) { return 0, 3 * p.Interval }}
	s := newScript(t, hostmgr.Config[string]{Policy: p, MaxGap: second})
	s.join("a")
	s.after(10 * second)
	p.answer = func(p hostmgr.Pulse) (time.Duration, time.Duration) { return 0, p.Interval }
	s.beat("a")
	h := s.get("a")
	require.Equal(t, 2*second, h.EvictAt.Sub(s.clock.Now()), "an interval and a gap after the stall")
	s.sweepUntil(h.EvictAt.Add(1))
	require.True(t, s.gone("a"))
}

func TestTwinsAreLearnedToo(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Adaptive{}})
	require.NoError(t, s.JoinUnder("younger", hostmgr.Announcement[string]{ID: "elder", Interval: time.Hour}))
	s.join("younger")
	s.join("single")
	for range 100 {
		s.after(second)
		s.beat("younger")
		s.beat("single")
	}
	require.Equal(t, s.get("single").EvictAt, s.get("younger").EvictAt)
}

// A policy that does not learn is asked once for its interval, and complained about once, also
// beside a shadow that learns.
func TestAPolicyIsAskedOnceBesideAShadowThatLearns(t *testing.T) {
	var log bytes.Buffer
	asked := 0
	s := newScript(t, hostmgr.Config[string]{
		Shadow: hostmgr.Adaptive{}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Policy: policyFunc(func(hostmgr.Pulse) (time.Duration, time.Duration) { asked++; panic("on purpose") }),
	})
	s.join("a")
	for range 100 {
		s.after(second)
		s.beat("a")
	}
	require.Equal(t, 1, asked)
	require.Equal(t, 1, strings.Count(log.String(), "overruled"))
	require.EqualValues(t, 1, s.Stats().PolicyFaults)
}

// Beyond 1024 intervals it is asked at each Announce, once.
func TestAPolicyIsAskedOnceAtAnAnnounce(t *testing.T) {
	asked := 0
	s := newScript(t, hostmgr.Config[string]{Policy: policyFunc(func(p hostmgr.Pulse) (time.Duration, time.Duration) {
		asked++
		return 0, 2 * p.Interval
	})})
	for i := range 1030 {
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second + time.Duration(i)})
		require.Equal(t, i+1, asked)
	}
}

func TestANilPointerThatLearnsIsAnError(t *testing.T) {
	_, err := hostmgr.New(hostmgr.Config[string]{Policy: (*forgetful)(nil)})
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
}

type forgetful struct{ learns bool }

func (p *forgetful) Learns() bool { return p.learns }

func (p *forgetful) Patience(x hostmgr.Pulse) (suspect, evict time.Duration) {
	return 0, 2 * x.Interval
}

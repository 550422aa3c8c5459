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

// A delayedPolicy is Fixed(2) as a HistoryPolicy. Its answer to the first heartbeat at an interval
// of a second is delayed.
type delayedPolicy struct {
	once    sync.Once
	in, out chan struct{}
}

func (p *delayedPolicy) NeedsHistory() bool { return true }

func (p *delayedPolicy) Timeouts(x hostmgr.History) (suspect, evict time.Duration) {
	if x.Count > 0 && x.Interval == second {
		p.once.Do(func() { close(p.in); <-p.out })
	}
	return 0, 2 * x.Interval
}

// A heartbeat asks the policy. Meanwhile the host announces an interval of a minute. The answer is
// for another interval, so it is ignored.
func TestATimeoutForAnotherIntervalIsIgnored(t *testing.T) {
	for _, shadow := range []bool{false, true} {
		p := &delayedPolicy{in: make(chan struct{}), out: make(chan struct{})}
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

// A sweep has checked the host. Then an older contact is observed, and makes the timeout shorter.
func TestAnObservedContactShortensTheTimeout(t *testing.T) {
	p := &scriptedPolicy{answer: func(p hostmgr.History) (time.Duration, time.Duration) { return 0, 10 * p.Interval }}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * second})
	s.after(10*second + 1)
	p.answer = func(p hostmgr.History) (time.Duration, time.Duration) { return 0, p.Interval + p.Interval/10 }
	s.clock.Advance(9*second - 1)
	require.NoError(t, s.Observe("a", 0, 12*second))
	require.Equal(t, hostmgr.StateOffline, s.get("a").State)
	next, ok := s.Next()
	require.True(t, ok)
	require.False(t, next.After(s.clock.Now()))
	s.Sweep(t.Context())
	require.Zero(t, s.Len())
}

// The same after a stall, which had moved the deadline.
func TestATimeoutThatShrinksAfterAStall(t *testing.T) {
	p := &scriptedPolicy{answer: func(p hostmgr.History) (time.Duration, time.Duration) { return 0, 3 * p.Interval }}
	s := newScript(t, hostmgr.Config[string]{Policy: p, StallThreshold: second})
	s.join("a")
	s.after(10 * second)
	p.answer = func(p hostmgr.History) (time.Duration, time.Duration) { return 0, p.Interval + p.Interval/10 }
	s.heartbeat("a")
	h := s.get("a")
	require.Equal(t, 2*second, h.EvictAt.Sub(s.clock.Now()), "an interval and a stall threshold after the stall")
	s.sweepUntil(h.EvictAt.Add(1))
	require.True(t, s.gone("a"))
}

// A policy without history is asked once for an interval, and an invalid answer is logged once,
// also with a shadow that needs the history.
func TestAPolicyIsAskedOnceWithAShadowThatNeedsHistory(t *testing.T) {
	var log bytes.Buffer
	asked := 0
	s := newScript(t, hostmgr.Config[string]{
		Shadow: hostmgr.PhiAccrual{}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Policy: policyFunc(func(hostmgr.History) (time.Duration, time.Duration) { asked++; panic("on purpose") }),
	})
	s.join("a")
	for range 100 {
		s.after(second)
		s.heartbeat("a")
	}
	require.Equal(t, 1, asked)
	require.Equal(t, 1, strings.Count(log.String(), "invalid policy answer"))
	require.EqualValues(t, 1, s.Stats().PolicyErrors)
}

// Beyond 1024 intervals the policy is asked once at each Announce.
func TestAPolicyIsAskedOnceAtAnAnnounce(t *testing.T) {
	asked := 0
	s := newScript(t, hostmgr.Config[string]{Policy: policyFunc(func(p hostmgr.History) (time.Duration, time.Duration) {
		asked++
		return 0, 2 * p.Interval
	})})
	for i := range 1030 {
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second + time.Duration(i)})
		require.Equal(t, i+1, asked)
	}
}

func TestANilHistoryPolicyIsAnError(t *testing.T) {
	_, err := hostmgr.New(hostmgr.Config[string]{Policy: (*optionalHistory)(nil)})
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
}

type optionalHistory struct{ needs bool }

func (p *optionalHistory) NeedsHistory() bool { return p.needs }

func (p *optionalHistory) Timeouts(x hostmgr.History) (suspect, evict time.Duration) {
	return 0, 2 * x.Interval
}

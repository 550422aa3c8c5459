package hostmgr_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A stall that is longer than what is left of Hold does not send a driver round in circles.
func TestAfterAStallTheGuardsNextLookIsNotNow(t *testing.T) {
	s := guarded(t, 10, hostmgr.Config[string]{MaxGap: second})
	for range 6 {
		s.beats(0, 4)
		s.after(second)
	}
	s.beats(0, 4)
	s.after(time.Hour)
	s.beats(0, 4)
	s.after(second / 10)
	require.Equal(t, 6, s.Stats().Held)
	next, _ := s.Next()
	require.Greater(t, next.Sub(s.clock.Now()), 100*time.Millisecond)
}

// A sweep that takes longer than an interval holds those whom it comes to last as well.
func TestTheGuardGripsToTheEndOfASweep(t *testing.T) {
	clock := &ticking{FakeClock: clockwork.NewFakeClock()}
	s := newScriptOn(t, clock.FakeClock, hostmgr.Config[string]{Clock: clock, Guard: hostmgr.Guard{MaxFraction: 0.5, Hold: time.Hour}})
	for i := range 10 {
		s.join(strconv.Itoa(i))
	}
	require.Equal(t, 10, s.after(3*second).Held)
	clock.step = second + 1
	require.Zero(t, s.Sweep(context.Background()).Evicted)
}

// A sign of life that is too old to be alive begins another silence, with a Hold of its own.
func TestAHoldIsAboutOneSilence(t *testing.T) {
	var d diary
	s := guarded(t, 10, hostmgr.Config[string]{Cleanup: d.cleanup})
	s.clock.Advance(2 * second)
	s.beats(0, 4)
	s.after(second / 2)
	for range 59 {
		s.beats(0, 4)
		s.after(second)
	}
	require.NoError(t, s.Observe("h9", 0, 1800*time.Millisecond))
	require.Equal(t, hostmgr.Suspect, s.get("h9").State)
	s.clock.Advance(second / 2)
	require.Equal(t, hostmgr.Offline, s.get("h9").State)
	s.beats(0, 4)
	require.Equal(t, 5, s.after(second/2).Evicted, "the others' Hold is over")
	require.False(t, s.gone("h9"))
}

func TestAZoneWhoseOnlyHostIsReplacedIsNotForgotten(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Guard: hostmgr.Guard{MaxFraction: 0.5}})
	for i := range 20 {
		s.announce(hostmgr.Announcement[string]{ID: "x" + strconv.Itoa(i), Interval: time.Hour, Zone: "x"})
	}
	s.join("h0")
	lease := s.join("h1")
	s.clock.Advance(2 * second)
	s.beat("h1")
	require.Equal(t, 1, s.after(1).Evicted)
	s.announce(hostmgr.Announcement[string]{ID: "h1", Interval: second, Incarnation: lease.Incarnation + 1})
	s.clock.Advance(2 * second)
	require.Equal(t, 1, s.after(1).Held)
	require.Equal(t, `guard: 2 of 2 hosts of zone "" are missing`, s.get("h1").Held)
}

// One host that comes and goes is one host that is missing at times.
func TestWhoComesBackIsNotMissed(t *testing.T) {
	s := guarded(t, 10, hostmgr.Config[string]{})
	for range 30 {
		for range 3 {
			s.beats(1, 10)
			require.Zero(t, s.after(second).Held)
		}
		s.join("h0")
	}
	require.Equal(t, uint64(30), s.Stats().Evicted)
}

// Confirm's answer comes when the host was heard, and has fallen silent and is held again:
// it says nothing of the new hold.
func TestALateAnswerDoesNotEndANewHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		gone := map[string]time.Duration{}
		var asked atomic.Int64
		r, err := hostmgr.New(hostmgr.Config[string]{
			CleanupWorkers: 1,
			Guard:          hostmgr.Guard{MaxFraction: 0.5, Hold: 30 * second},
			Confirm: func(_ context.Context, due hosts) (hosts, error) {
				if asked.Add(1) == 1 {
					time.Sleep(29 * second)
				}
				return due, nil
			},
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				gone[d.Host.ID] = d.At.Sub(start)
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for id, interval := range map[string]time.Duration{"h": second, "x": 2 * second, "y": 2 * second} {
			_, err = r.Announce(hostmgr.Announcement[string]{ID: id, Interval: interval})
			require.NoError(t, err)
		}
		time.Sleep(5 * second / 2)
		require.Equal(t, int64(1), asked.Load())
		_, err = r.Heartbeat("h", 0) // due at 4.5 s
		require.NoError(t, err)
		time.Sleep(time.Minute)
		stop()
		require.InDelta(t, 34.5, gone["h"].Seconds(), 1.1)
	})
}

// By hand a slow Confirm is a stall, which gives grace: what it was asked about is over, and
// the guard decides anew.
func TestAnAnswerAfterAStallIsOver(t *testing.T) {
	var s *script
	calls := 0
	s = guarded(t, 10, hostmgr.Config[string]{MaxGap: 5 * second, Confirm: func(_ context.Context, due hosts) (hosts, error) {
		if calls++; calls == 1 {
			s.clock.Advance(6 * second)
		}
		return due, nil
	}})
	s.clock.Advance(2 * second)
	s.beats(0, 9)
	s.after(1)
	require.Equal(t, hostmgr.Suspect, s.get("h9").State)
	s.clock.Advance(4 * second) // now all are due
	require.Equal(t, hostmgr.Offline, s.get("h9").State)
	require.Zero(t, s.Sweep(context.Background()).Evicted)
	require.Equal(t, 1, calls)
}

func TestHeldForDoesNotCountAStall(t *testing.T) {
	var d diary
	s := guarded(t, 10, hostmgr.Config[string]{
		Cleanup: d.cleanup, MaxGap: time.Minute, Guard: hostmgr.Guard{MaxFraction: 0.5, Hold: 10 * second},
	})
	s.after(50 * second) // due at 2 s, held since now
	s.after(time.Hour)
	for range 11 {
		s.after(second)
	}
	require.Len(t, d.departures, 10)
	require.Equal(t, 10*second, d.departures[0].HeldFor)
}

// A sweep that has nobody to judge sees all the same that the guard grips no more.
func TestAnIdleSweepSeesThatTheGuardGripsNoMore(t *testing.T) {
	s := guarded(t, 10, hostmgr.Config[string]{})
	s.clock.Advance(2 * second)
	s.beats(0, 4)
	require.Equal(t, 6, s.after(1).Held)
	s.clock.Advance(second / 10)
	s.beats(0, 10)
	require.Zero(t, s.after(second/2).Looked)
	s.clock.Advance(second)
	s.beats(0, 9)
	require.Positive(t, s.after(0).Looked)
	require.Equal(t, 1, s.after(second/2+1).Evicted)
}

func TestHeldWhileTheGuardLetsGo(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Guard: hostmgr.Guard{MaxFraction: 0.5}})
	for i := range 10 {
		s.announce(hostmgr.Announcement[string]{ID: "h" + strconv.Itoa(i), Interval: 10 * second})
	}
	s.after(21 * second)
	s.beats(0, 9)
	s.after(second)
	require.Equal(t, "guard: until lately too many hosts were missing", s.get("h9").Held)
}

// A ticking clock moves on by step whenever it is read: time passes within a sweep.
type ticking struct {
	*clockwork.FakeClock
	step time.Duration
}

func (c *ticking) Now() time.Time {
	c.Advance(c.step)
	return c.FakeClock.Now()
}

func (c *ticking) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Six deadlines come while the guard counts and decides on four: those six have not been
// counted, and wait for the sweep that follows at once.
func TestTheGuardDecidesOnNobodyWhomItHasNotCounted(t *testing.T) {
	raced := 0
	for k := time.Duration(0); k < 10*time.Millisecond; k += time.Millisecond {
		clock := &ticking{FakeClock: clockwork.NewFakeClock()}
		s := newScriptOn(t, clock.FakeClock, hostmgr.Config[string]{
			Clock: clock, Guard: hostmgr.Guard{MaxFraction: 0.5}, Policy: unsuspicious{},
		})
		for i := range 10 {
			if i == 4 {
				clock.Advance(4 * time.Millisecond)
			}
			s.join(strconv.Itoa(i))
		}
		clock.Advance(2*second - 8*time.Millisecond + k)
		clock.step = time.Millisecond
		rep := s.Sweep(context.Background())
		clock.step = 0
		require.LessOrEqual(t, rep.Evicted, 4)
		if h, _ := s.Get("9"); h.Held == "awaiting the guard" {
			raced++
			require.Zero(t, s.Stats().HeldByGuard, "it has not decided on them, and nothing grips those that it has")
			next, _ := s.Next()
			require.LessOrEqual(t, next.Sub(clock.Now()), time.Duration(1))
			require.Zero(t, s.after(1).Evicted)
			require.Equal(t, `guard: 10 of 10 hosts of zone "" are missing`, s.get("9").Held)
		}
	}
	require.Positive(t, raced)
}

// unsuspicious is Multiple(2) without suspicion.
type unsuspicious struct{}

func (unsuspicious) Patience(p hostmgr.Pulse) (suspect, evict time.Duration) {
	return 0, 2 * p.Interval
}

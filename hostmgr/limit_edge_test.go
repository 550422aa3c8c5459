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

// A stall is longer than the rest of MaxHold. Next names a later time all the same, so a driver
// does not spin.
func TestNextAfterAStallDuringAHoldIsLater(t *testing.T) {
	s := newLimited(t, 10, hostmgr.Config[string]{StallThreshold: second})
	for range 6 {
		s.heartbeats(0, 4)
		s.after(second)
	}
	s.heartbeats(0, 4)
	s.after(time.Hour)
	s.heartbeats(0, 4)
	s.after(second / 10)
	require.Equal(t, 6, s.Stats().Held)
	next, _ := s.Next()
	require.Greater(t, next.Sub(s.clock.Now()), 100*time.Millisecond)
}

// A sweep takes longer than an interval. The limit also holds the hosts that it checks last.
func TestTheEvictionLimitIsActiveToTheEndOfASweep(t *testing.T) {
	clock := &ticking{FakeClock: clockwork.NewFakeClock()}
	s := newScriptOn(t, clock.FakeClock, hostmgr.Config[string]{Clock: clock, EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5, MaxHold: time.Hour}})
	for i := range 10 {
		s.join(strconv.Itoa(i))
	}
	require.Equal(t, 10, s.after(3*second).Held)
	clock.step = second + 1
	require.Zero(t, s.Sweep(context.Background()).Evicted)
}

// An observed contact is so old that the host stays due. It begins another silence, with a MaxHold
// of its own.
func TestAHoldIsAboutOneSilence(t *testing.T) {
	var d cleanupLog
	s := newLimited(t, 10, hostmgr.Config[string]{Cleanup: d.cleanup})
	s.clock.Advance(2 * second)
	s.heartbeats(0, 4)
	s.after(second / 2)
	for range 59 {
		s.heartbeats(0, 4)
		s.after(second)
	}
	require.NoError(t, s.Observe("h9", 0, 1800*time.Millisecond))
	require.Equal(t, hostmgr.StateSuspect, s.get("h9").State)
	s.clock.Advance(second / 2)
	require.Equal(t, hostmgr.StateOffline, s.get("h9").State)
	s.heartbeats(0, 4)
	require.Equal(t, 5, s.after(second/2).Evicted, "the others' Hold is over")
	require.False(t, s.gone("h9"))
}

func TestAZoneWhoseOnlyHostIsReplacedIsNotForgotten(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5}})
	for i := range 20 {
		s.announce(hostmgr.Announcement[string]{ID: "x" + strconv.Itoa(i), Interval: time.Hour, Zone: "x"})
	}
	s.join("h0")
	ack := s.join("h1")
	s.clock.Advance(2 * second)
	s.heartbeat("h1")
	require.Equal(t, 1, s.after(1).Evicted)
	s.announce(hostmgr.Announcement[string]{ID: "h1", Interval: second, Incarnation: ack.Incarnation + 1})
	s.clock.Advance(2 * second)
	require.Equal(t, 1, s.after(1).Held)
	require.Equal(t, `eviction limit: 2 of 2 hosts of zone "" are missing`, s.get("h1").Hold.String())
}

// A host that is evicted and joins again counts as missing once, and only while it is gone.
func TestAHostThatJoinedAgainIsNotMissing(t *testing.T) {
	s := newLimited(t, 10, hostmgr.Config[string]{})
	for range 30 {
		for range 3 {
			s.heartbeats(1, 10)
			require.Zero(t, s.after(second).Held)
		}
		s.join("h0")
	}
	require.Equal(t, uint64(30), s.Stats().Departures.Evicted)
}

// While Confirm is asked the host has a contact, falls silent and is held again. The answer is
// about the old hold, so it does not end the new one.
func TestALateAnswerDoesNotEndANewHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		gone := map[string]time.Duration{}
		var asked atomic.Int64
		r, err := hostmgr.New(hostmgr.Config[string]{
			CleanupWorkers: 1,
			ConfirmTimeout: time.Minute,
			EvictionLimit:  hostmgr.EvictionLimit{MaxFraction: 0.5, MaxHold: 30 * second},
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

// Driven by hand, a slow Confirm is a stall, which gives grace. So its answer is out of date, and
// the limit decides again.
func TestAnAnswerAfterAStallIsOutOfDate(t *testing.T) {
	var s *script
	calls := 0
	s = newLimited(t, 10, hostmgr.Config[string]{StallThreshold: 5 * second, Confirm: func(_ context.Context, due hosts) (hosts, error) {
		if calls++; calls == 1 {
			s.clock.Advance(6 * second)
		}
		return due, nil
	}})
	s.clock.Advance(2 * second)
	s.heartbeats(0, 9)
	s.after(1)
	require.Equal(t, hostmgr.StateSuspect, s.get("h9").State)
	s.clock.Advance(4 * second) // now all are due
	require.Equal(t, hostmgr.StateOffline, s.get("h9").State)
	require.Zero(t, s.Sweep(context.Background()).Evicted)
	require.Equal(t, 1, calls)
}

func TestHeldForDoesNotCountAStall(t *testing.T) {
	var d cleanupLog
	s := newLimited(t, 10, hostmgr.Config[string]{
		Cleanup: d.cleanup, StallThreshold: time.Minute, EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5, MaxHold: 10 * second},
	})
	s.after(50 * second) // due at 2 s, held since now
	s.after(time.Hour)
	for range 11 {
		s.after(second)
	}
	require.Len(t, d.departures, 10)
	require.Equal(t, 10*second, d.departures[0].HeldFor)
}

// A sweep without due hosts also finds that the limit is no longer active.
func TestAnIdleSweepUpdatesTheEvictionLimit(t *testing.T) {
	s := newLimited(t, 10, hostmgr.Config[string]{})
	s.clock.Advance(2 * second)
	s.heartbeats(0, 4)
	require.Equal(t, 6, s.after(1).Held)
	s.clock.Advance(second / 10)
	s.heartbeats(0, 10)
	require.Zero(t, s.after(second/2).Scanned)
	s.clock.Advance(second)
	s.heartbeats(0, 9)
	require.Positive(t, s.after(0).Scanned)
	require.Equal(t, 1, s.after(second/2+1).Evicted)
}

func TestHeldCountsWhileTheEvictionLimitReleases(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5}})
	for i := range 10 {
		s.announce(hostmgr.Announcement[string]{ID: "h" + strconv.Itoa(i), Interval: 10 * second})
	}
	s.after(21 * second)
	s.heartbeats(0, 9)
	s.after(second)
	require.Equal(t, "eviction limit: until recently too many hosts were missing", s.get("h9").Hold.String())
}

// A ticking clock moves by step at each reading, so time passes within a sweep.
type ticking struct {
	*clockwork.FakeClock
	step time.Duration
}

func (c *ticking) Now() time.Time {
	c.Advance(c.step)
	return c.FakeClock.Now()
}

func (c *ticking) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Six deadlines pass while the limit counts four due hosts and decides about them. The six were not
// counted, so they wait for the next sweep, which follows at once.
func TestTheEvictionLimitDecidesOnlyAboutCountedHosts(t *testing.T) {
	raced := 0
	for k := time.Duration(0); k < 10*time.Millisecond; k += time.Millisecond {
		clock := &ticking{FakeClock: clockwork.NewFakeClock()}
		s := newScriptOn(t, clock.FakeClock, hostmgr.Config[string]{
			Clock: clock, EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5}, Policy: unsuspicious{},
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
		if h, _ := s.Get("9"); h.Hold.String() == "awaiting the eviction limit" {
			raced++
			require.Zero(t, s.Stats().HeldByLimit, "the limit has not decided about the six, and is not active for the four")
			next, _ := s.Next()
			require.LessOrEqual(t, next.Sub(clock.Now()), time.Duration(1))
			require.Zero(t, s.after(1).Evicted)
			require.Equal(t, `eviction limit: 10 of 10 hosts of zone "" are missing`, s.get("9").Hold.String())
		}
	}
	require.Positive(t, raced)
}

// unsuspicious is Fixed(2) without suspects.
type unsuspicious struct{}

func (unsuspicious) Timeouts(p hostmgr.History) (suspect, evict time.Duration) {
	return 0, 2 * p.Interval
}

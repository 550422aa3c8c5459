package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// An advice is the advised interval at one moment.
type advice struct {
	at       time.Time
	interval time.Duration
}

// Whatever joins and departs, and however often the registry is swept: the advised interval never
// shrinks to less than half within itself. It also reaches its target in time.
func TestTheAdvisedIntervalShrinksByHalfAtMostInOneInterval(t *testing.T) {
	for seed := range uint64(times(10, 300)) {
		rnd := rand.New(rand.NewPCG(seed, 21))
		s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: time.Hour, PerSecond: 1}, Policy: hostmgr.Fixed(1000)})
		s.joinOthers(1000)
		require.Equal(t, 1000*second, s.Stats().AdvisedInterval)
		left := 0
		leave := func() {
			require.NoError(t, s.Forget("crowd"+strconv.Itoa(left), 0))
			left++
		}
		var past []advice
		look := func() {
			now := advice{s.clock.Now(), s.Stats().AdvisedInterval}
			for _, a := range past {
				if now.at.Sub(a.at) <= a.interval && 2*now.interval < a.interval {
					t.Fatalf("seed %d: %v after %v", seed, now, a)
				}
			}
			past = append(past, now)
		}
		end := s.clock.Now().Add(2100 * second)
		longest := second << (2 + rnd.IntN(8))
		for look(); s.clock.Now().Before(end); look() {
			s.clock.Advance(time.Duration(rnd.Int64N(int64(longest))))
			look()
			for range rnd.IntN(100) {
				if left < 999 {
					leave()
				}
			}
			if rnd.IntN(2) == 0 {
				s.Sweep(context.Background())
			}
		}
		for left < 999 {
			leave()
		}
		s.clock.Advance(2000 * second)
		require.Equal(t, second, s.Stats().AdvisedInterval, "seed %d", seed)
	}
}

// It shrinks by half in one interval, whether the registry is swept once or each millisecond.
func TestTheAdvisedIntervalShrinksByHalfInOneInterval(t *testing.T) {
	for _, sweeps := range []int{0, 1, 10, 10_000} {
		s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: time.Hour, PerSecond: 1}})
		for i := range 1000 {
			s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Hour})
		}
		for i := range 999 {
			require.NoError(t, s.Forget(strconv.Itoa(i), 0))
		}
		for range sweeps {
			s.after(1000 * second / time.Duration(sweeps))
		}
		if sweeps == 0 {
			s.clock.Advance(1000 * second)
		}
		require.Equal(t, 500*second, s.Stats().AdvisedInterval, "%d sweeps", sweeps)
		ack, err := s.Heartbeat("999", 0)
		require.NoError(t, err)
		require.Equal(t, 500*second, ack.Interval, "%d sweeps", sweeps)
	}
}

// A host that is replaced, or moves to another zone, counts as one host.
func TestAReplacedHostCountsOnceForTheAdvisedInterval(t *testing.T) {
	for _, zone := range []string{"x", "y", ""} {
		s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: time.Hour, PerSecond: 0.01}})
		announce := func(id, zone string, incarnation uint64) {
			s.announce(hostmgr.Announcement[string]{ID: id, Zone: zone, Interval: second, Incarnation: incarnation})
		}
		announce("a", "x", 1)
		require.Equal(t, 100*second, s.Stats().AdvisedInterval)
		for i := range uint64(5) {
			s.clock.Advance(second)
			announce("a", zone, 2+2*i)
			require.Equal(t, 100*second, s.Stats().AdvisedInterval)
			announce("a", "x", 3+2*i)
			require.Equal(t, 100*second, s.Stats().AdvisedInterval)
			announce("a", zone, 0)
			s.after(second)
			require.Equal(t, 100*second, s.Stats().AdvisedInterval)
			require.Equal(t, 1, s.Stats().Hosts)
			require.Len(t, s.Stats().Zones, 1)
		}
		announce("b", "x", 1)
		require.Equal(t, 200*second, s.Stats().AdvisedInterval)
		require.NoError(t, s.Forget("b", 0))
		s.clock.Advance(200 * second)
		announce("a", "x", 100)
		require.Equal(t, 100*second, s.Stats().AdvisedInterval)
	}
}

// Many hosts join, then there is no sweep for an hour. The next join is not part of the burst.
func TestAJoinBurstEndsWithoutASweep(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: time.Hour, PerSecond: 1}})
	s.joinOthers(1000)
	s.clock.Advance(time.Hour)
	require.Equal(t, 1000*second, s.join("late").Interval)
}

// The interval shrank, and stayed at its target for an hour. When another host leaves it shrinks
// from that moment on.
func TestTheAdvisedIntervalShrinksFromTheMomentAHostLeaves(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: time.Hour, PerSecond: 0.01}})
	s.joinOthers(4)
	leave := func(i int) { require.NoError(t, s.Forget("crowd"+strconv.Itoa(i), 0)) }
	leave(0)
	require.Equal(t, 400*second, s.Stats().AdvisedInterval)
	s.clock.Advance(time.Hour)
	require.Equal(t, 300*second, s.Stats().AdvisedInterval)
	leave(1)
	require.Equal(t, 300*second, s.Stats().AdvisedInterval)
	s.clock.Advance(100 * second)
	require.Equal(t, 250*second, s.Stats().AdvisedInterval)
}

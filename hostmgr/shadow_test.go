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

// shadowStats is the type of Stats.Shadow.
type shadowStats = struct{ Evictions, Rejoined uint64 }

func (s *script) shadow() shadowStats { return s.Stats().Shadow }

func TestShadowWithAShorterTimeout(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(5), Shadow: hostmgr.Fixed(2)})
	s.join("late")
	s.after(2*second + 1)
	s.heartbeat("late") // a sweep at this moment would not have been earlier
	require.Zero(t, s.shadow())
	s.after(2*second + 2)
	s.heartbeat("late")
	require.Equal(t, shadowStats{Evictions: 1, Rejoined: 1}, s.shadow())

	for _, id := range []string{"dead", "leaves", "restarts", "forgotten"} {
		s.join(id)
	}
	s.after(3 * second)
	s.heartbeat("late")
	require.NoError(t, s.Leave(context.Background(), "leaves", 0))
	s.announce(hostmgr.Announcement[string]{ID: "restarts", Interval: second, Incarnation: 1 << 62})
	require.NoError(t, s.Forget("forgotten", 0))
	s.after(2 * second)
	s.heartbeat("late")
	require.NoError(t, s.Leave(context.Background(), "restarts", 0))
	s.after(1)
	require.Equal(t, []string{"late"}, s.ids())
	require.EqualValues(t, 6, s.shadow().Evictions, "late twice, dead, leaves, restarts, forgotten")
	require.EqualValues(t, 3, s.shadow().Rejoined, "late twice, restarts: a leave is no return")

	s.join("dead")
	require.Equal(t, shadowStats{Evictions: 6, Rejoined: 4}, s.shadow())
	for range 20 {
		s.after(3 * second)
		s.heartbeat("late")
	}
	require.Equal(t, shadowStats{Evictions: 27, Rejoined: 24}, s.shadow(), "late 20 times, and dead again")
}

func TestShadowWithALongerTimeout(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(2), Shadow: hostmgr.Fixed(60)})
	s.join("back later")
	s.join("back never")
	s.after(2*second + 1)
	require.Zero(t, s.Len())
	require.Zero(t, s.shadow().Rejoined)
	s.after(60 * second)
	require.Zero(t, s.shadow(), "both may still come back")
	s.join("back later")
	require.Equal(t, shadowStats{Evictions: 1, Rejoined: 1}, s.shadow())
	require.EqualValues(t, 1, s.Stats().RejoinedAfterEviction)
	require.NoError(t, s.Leave(t.Context(), "back later", 0))
	s.after(4*time.Minute + 1)
	require.Equal(t, shadowStats{Evictions: 2, Rejoined: 1}, s.shadow())
}

// A host that joins before the timeout of the shadow would not have been gone.
func TestShadowCountsNoReturnBeforeItsTimeout(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(2), Shadow: hostmgr.Fixed(60)})
	s.join("back soon")
	s.after(3 * second)
	s.after(50 * second)
	s.join("back soon")
	require.Zero(t, s.shadow().Rejoined)
	require.EqualValues(t, 1, s.Stats().RejoinedAfterEviction)
}

func TestShadowRemembersAnEvictionForFiveMinutes(t *testing.T) {
	const never = hostmgr.Fixed(1000)
	for _, row := range []struct {
		policy   hostmgr.Policy
		silence  time.Duration
		rejoined uint64
	}{
		{never, 2*second + 5*time.Minute - 2*second, 1},
		{never, 2*second + 5*time.Minute + 2*second, 0},
		{hostmgr.Fixed(2), 2*second + 5*time.Minute - 2*second, 1},
		{hostmgr.Fixed(2), 2*second + 5*time.Minute + 2*second, 0},
	} {
		s := newScript(t, hostmgr.Config[string]{Policy: row.policy, Shadow: hostmgr.Fixed(2)})
		s.join("a")
		s.after(2*second + 1)
		s.after(row.silence - 2*second - 1)
		s.join("a")
		require.Equal(t, shadowStats{Evictions: 1, Rejoined: row.rejoined}, s.shadow(), "%v", row)
	}
}

func TestShadowExcludesStalls(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(5), Shadow: hostmgr.Fixed(2), StallThreshold: second})
	s.join("a")
	s.after(second)
	s.after(5 * second) // a stall
	s.after(second / 2)
	s.heartbeat("a")
	require.Zero(t, s.shadow())
	s.after(second)
	s.after(second)
	s.after(second) // beyond 2 s
	s.after(5 * second)
	s.heartbeat("a")
	require.EqualValues(t, 1, s.shadow().Evictions, "it was due before the stall")

	s.after(0)
	s.clock.Advance(2 * second) // a stall, and a heartbeat within it
	s.heartbeat("a")
	s.after(3 * second)
	s.after(4 * second / 10)
	for range 8 {
		s.after(second / 2)
	}
	s.heartbeat("a")
	require.EqualValues(t, 2, s.shadow().Evictions)
}

// The process was paused; a heartbeat comes before the sweep that finds the stall.
func TestShadowExcludesAStallThatNoSweepHasFound(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Shadow: hostmgr.Fixed(2), StallThreshold: second})
	s.join("a")
	s.after(second / 2)
	s.clock.Advance(10 * time.Minute)
	s.heartbeat("a")
	s.after(0)
	require.Zero(t, s.Stats().Departures.Evicted)
	require.Zero(t, s.shadow())
}

func TestShadowThatIsThePolicyItself(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Shadow: hostmgr.Fixed(2)})
	s.join("a")
	s.after(2*second + 1)
	require.EqualValues(t, 1, s.Stats().Departures.Evicted)
	require.Equal(t, shadowStats{Evictions: 1}, s.shadow())
	s.join("b")
	require.NoError(t, s.Forget("b", 0))
	require.Equal(t, shadowStats{Evictions: 1}, s.shadow())
	s.after(second)
	s.join("a")
	require.Equal(t, shadowStats{Evictions: 1, Rejoined: 1}, s.shadow())
	require.EqualValues(t, 1, s.Stats().RejoinedAfterEviction)
}

// A shadow counts what a registry with that policy does: both get the same contacts, except that
// a host evicted by the one joins again.
func TestShadowCountsWhatThatPolicyDoes(t *testing.T) {
	total := uint64(0)
	for seed := range uint64(times(40, 4000)) {
		rnd := rand.New(rand.NewPCG(seed, 12))
		policy := []hostmgr.Policy{hostmgr.Fixed(1.2), hostmgr.Fixed(2), hostmgr.Tiered{Jitter: second, Offline: 3 * second}}[seed%3]
		threshold := []time.Duration{0, second}[rnd.IntN(2)]
		s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(100), Shadow: policy, StallThreshold: threshold})
		other := newScriptOn(t, s.clock, hostmgr.Config[string]{Policy: policy, StallThreshold: threshold, Clock: s.clock})
		rejoined := uint64(0)
		for i := range 30 {
			a := hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Duration(1+i%3) * second}
			s.announce(a)
			other.announce(a)
		}
		start := s.clock.Now()
		for s.clock.Since(start) < time.Minute {
			switch rnd.IntN(30) {
			case 0: // a stall, if StallThreshold says so
				s.clock.Advance(time.Duration(rnd.Int64N(int64(5 * second))))
			default:
				s.clock.Advance(time.Duration(1 + rnd.Int64N(int64(second/10))))
			}
			sweepBoth(s, other)
			i := rnd.IntN(30)
			id := strconv.Itoa(i)
			if i < 5 && s.clock.Since(start) > 10*second {
				continue // dead
			}
			s.heartbeat(id)
			if _, err := other.Heartbeat(id, 0); err != nil {
				rejoined++
				other.announce(hostmgr.Announcement[string]{ID: id, Interval: time.Duration(1+i%3) * second})
			}
		}
		for range 800 {
			s.clock.Advance(second / 2)
			sweepBoth(s, other)
		}
		require.Zero(t, s.Len())
		got, want := s.Stats(), other.Stats()
		require.Equal(t, want.Departures.Evicted, got.Shadow.Evictions, "seed %d", seed)
		require.Equal(t, rejoined, got.Shadow.Rejoined, "seed %d", seed)
		total += rejoined
	}
	require.NotZero(t, total)
}

// sweepBoth sweeps both registries, so often that no deadline passes in between unseen, unless it
// lies in a stall.
func sweepBoth(a, b *script) {
	a.Sweep(context.Background())
	b.Sweep(context.Background())
}

// The timeout of the shadow is the boundary of a return, also after an eviction by the policy.
func TestShadowTimeoutIsTheBoundaryOfAReturn(t *testing.T) {
	for _, row := range []struct {
		policy, shadow hostmgr.Policy
		silence        time.Duration
		want           shadowStats
	}{
		{hostmgr.Fixed(2), hostmgr.Fixed(60), 60 * second, shadowStats{}},
		{hostmgr.Fixed(2), hostmgr.Fixed(60), 60*second + 2, shadowStats{Evictions: 1, Rejoined: 1}},
		{hostmgr.Fixed(2), hostmgr.Fixed(60), 6 * time.Minute, shadowStats{Evictions: 1}},
		{hostmgr.Fixed(5), hostmgr.Fixed(2), 2*second + 1 + 5*time.Minute, shadowStats{Evictions: 1, Rejoined: 1}},
		{hostmgr.Fixed(5), hostmgr.Fixed(2), 2*second + 2 + 5*time.Minute, shadowStats{Evictions: 1}},
		{hostmgr.Fixed(2), never{}, time.Minute, shadowStats{}},
		{hostmgr.Fixed(2), never{}, time.Hour, shadowStats{}},
	} {
		s := newScript(t, hostmgr.Config[string]{Policy: row.policy, Shadow: row.shadow})
		s.join("a")
		for range 6 {
			s.after(second)
		}
		s.after(row.silence - 6*second)
		s.join("a")
		require.Equal(t, row.want, s.shadow(), "%v", row)
	}
}

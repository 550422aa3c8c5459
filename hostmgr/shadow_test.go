package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

// shadow is Stats.Shadow without its distribution.
func (s *script) shadow() hostmgr.ShadowStats {
	stats := s.Stats().Shadow
	stats.Detection = histogram.Snapshot[time.Duration]{}
	return stats
}

func TestAShadowWithLessPatience(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(5), Shadow: hostmgr.Multiple(2)})
	s.join("late")
	s.after(2*second + 1)
	s.beat("late") // a sweep right then would not have been before it
	require.Zero(t, s.shadow())
	s.after(2*second + 2)
	back := s.clock.Now()
	s.beat("late")
	want := hostmgr.ShadowStats{Evicted: 1, Returned: 1, Latest: []hostmgr.ShadowReturn{
		{ID: "late", EvictAt: back.Add(-1), Returned: back},
	}}
	require.Equal(t, want, s.shadow())
	require.Equal(t, 2*second+1, s.Stats().Shadow.Detection.Max)

	for _, id := range []string{"dead", "leaves", "restarts", "forgotten"} {
		s.join(id)
	}
	s.after(3 * second)
	s.beat("late")
	require.NoError(t, s.Leave(context.Background(), "leaves", 0))
	s.announce(hostmgr.Announcement[string]{ID: "restarts", Interval: second, Incarnation: 1 << 62})
	require.NoError(t, s.Forget("forgotten", 0))
	s.after(2 * second)
	s.beat("late")
	require.NoError(t, s.Leave(context.Background(), "restarts", 0))
	s.after(1)
	require.Equal(t, []string{"late"}, s.ids())
	got := s.shadow()
	require.EqualValues(t, 6, got.Evicted, "late twice, dead, leaves, restarts, forgotten")
	require.EqualValues(t, 4, got.Returned)
	require.Zero(t, got.Later)
	var ids []string
	for _, l := range got.Latest {
		ids = append(ids, l.ID)
	}
	require.Equal(t, []string{"late", "late", "leaves", "restarts"}, ids)
	for range 20 {
		s.after(3 * second)
		s.beat("late")
	}
	require.Len(t, s.shadow().Latest, 16)
	require.Equal(t, s.clock.Now(), s.shadow().Latest[15].Returned)
}

func TestAShadowWithMorePatience(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(2), Shadow: hostmgr.Multiple(60)})
	s.join("back soon")
	s.join("back later")
	s.join("back never")
	s.after(2*second + 1)
	require.Zero(t, s.Len())
	require.Equal(t, hostmgr.ShadowStats{Later: 3}, s.shadow())
	s.after(55 * second)
	s.join("back soon")
	require.Equal(t, hostmgr.ShadowStats{Later: 3, Spared: 1}, s.shadow())
	s.after(3 * second)
	s.join("back later")
	require.Equal(t, hostmgr.ShadowStats{Later: 4, Spared: 1}, s.shadow())
	require.EqualValues(t, 2, s.Stats().Returned)
}

func TestAShadowExcusesStallsToo(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(5), Shadow: hostmgr.Multiple(2), MaxGap: second})
	s.join("a")
	s.after(second)
	s.after(5 * second) // a stall
	s.after(second / 2)
	s.beat("a")
	require.Zero(t, s.shadow())
	s.after(second)
	s.after(second)
	s.after(second) // beyond 2 s
	s.after(5 * second)
	s.beat("a")
	require.EqualValues(t, 1, s.shadow().Evicted, "it was due before the stall")
	require.Equal(t, 2*second+1, s.Stats().Shadow.Detection.Max)

	s.after(0)
	s.clock.Advance(2 * second) // a stall, and a beat within
	s.beat("a")
	s.after(3 * second)
	s.after(4 * second / 10)
	for range 8 {
		s.after(second / 2)
	}
	s.beat("a")
	require.EqualValues(t, 2, s.shadow().Evicted)
	require.Equal(t, 5*second+1, s.Stats().Shadow.Detection.Max, "2 s, and what was left of the stall")
}

// The process was suspended; a beat comes before the sweep that notices.
func TestAShadowDoesNotEvictInAStallThatNobodyHasSeen(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Shadow: hostmgr.Multiple(2), MaxGap: second})
	s.join("a")
	s.after(second / 2)
	s.clock.Advance(10 * time.Minute)
	s.beat("a")
	s.after(0)
	require.Zero(t, s.Stats().Evicted)
	require.Zero(t, s.shadow())
}

func TestAShadowThatIsThePolicyItself(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Shadow: hostmgr.Multiple(2)})
	s.join("a")
	s.after(2*second + 1)
	require.EqualValues(t, 1, s.Stats().Evicted)
	require.Equal(t, hostmgr.ShadowStats{Evicted: 1}, s.shadow())
	s.join("b")
	require.NoError(t, s.Forget("b", 0))
	require.Equal(t, hostmgr.ShadowStats{Evicted: 1}, s.shadow())
}

// What a shadow counts is what a registry with that policy does: both hear the same, but for
// what the one would have had evicted.
func TestAShadowCountsWhatThatPolicyDoes(t *testing.T) {
	total := uint64(0)
	for seed := range uint64(times(40, 4000)) {
		rnd := rand.New(rand.NewPCG(seed, 12))
		policy := []hostmgr.Policy{hostmgr.Multiple(1.2), hostmgr.Multiple(2), hostmgr.Tiered{Jitter: second, Offline: 3 * second}}[seed%3]
		maxGap := []time.Duration{0, second}[rnd.IntN(2)]
		s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(100), Shadow: policy, MaxGap: maxGap})
		twin := newScriptOn(t, s.clock, hostmgr.Config[string]{Policy: policy, MaxGap: maxGap, Clock: s.clock})
		returned := uint64(0)
		for i := range 30 {
			a := hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Duration(1+i%3) * second}
			s.announce(a)
			twin.announce(a)
		}
		start := s.clock.Now()
		for s.clock.Since(start) < time.Minute {
			switch rnd.IntN(30) {
			case 0: // a stall, if MaxGap says so
				s.clock.Advance(time.Duration(rnd.Int64N(int64(5 * second))))
			default:
				s.clock.Advance(time.Duration(1 + rnd.Int64N(int64(second/10))))
			}
			both(s, twin)
			i := rnd.IntN(30)
			id := strconv.Itoa(i)
			if i < 5 && s.clock.Since(start) > 10*second {
				continue // dead
			}
			s.beat(id)
			if _, err := twin.Heartbeat(id, 0); err != nil {
				returned++
				twin.announce(hostmgr.Announcement[string]{ID: id, Interval: time.Duration(1+i%3) * second})
			}
		}
		for range 800 {
			s.clock.Advance(second / 2)
			both(s, twin)
		}
		require.Zero(t, s.Len())
		got, want := s.Stats(), twin.Stats()
		require.Equal(t, want.Evicted, got.Shadow.Evicted, "seed %d", seed)
		require.Equal(t, returned, got.Shadow.Returned, "seed %d", seed)
		total += returned
	}
	require.NotZero(t, total)
}

// both sweeps both, so often that no deadline passes in between unseen, unless it lies in a
// stall.
func both(a, b *script) {
	a.Sweep(context.Background())
	b.Sweep(context.Background())
}

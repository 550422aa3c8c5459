package hostmgr_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// flap has a host evicted, and lets it join again after a while.
func (s *script) flap(id string, later time.Duration) {
	s.t.Helper()
	if s.gone(id) {
		s.join(id)
	}
	s.after(2*second + 1)
	require.True(s.t, s.gone(id))
	s.after(later)
	s.join(id)
}

// A host is evicted and comes back, again and again. Its snapshot and Stats count that.
func TestAFlappingHostIsCounted(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("good")
	require.Empty(t, s.Stats().Flapping)
	for i := range 60 {
		s.flap("bad", time.Minute-3*second)
		require.Equal(t, i+1, s.get("bad").Evictions)
	}
	s.join("good") // it was evicted once, an hour ago
	require.Zero(t, s.get("good").Evictions)
	evicted := s.clock.Now().Add(3*second - time.Minute)
	worst := s.Stats().Flapping
	require.Len(t, worst, 1)
	require.Equal(t, "bad", worst[0].ID)
	require.Equal(t, 60, worst[0].Evictions)
	require.True(t, worst[0].Last.Equal(evicted), "%v, not %v", worst[0].Last, evicted)

	require.NoError(t, s.Leave(t.Context(), "bad", 0))
	require.Len(t, s.Stats().Flapping, 1, "it need not be registered")
}

// Only an eviction counts after which the host joins within 5 minutes.
func TestWhatIsNotFlapping(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.flap("late", 5*time.Minute+1)
	require.Zero(t, s.get("late").Evictions)
	s.join("leaver")
	require.NoError(t, s.Leave(t.Context(), "leaver", 0))
	s.join("leaver")
	ack := s.join("restarted")
	s.announce(hostmgr.Announcement[string]{ID: "restarted", Interval: second, Incarnation: ack.Incarnation + 1})
	s.join("forgotten")
	require.NoError(t, s.Forget("forgotten", 0))
	s.join("forgotten")
	for h := range s.All() {
		require.Zero(t, h.Evictions, h.ID)
	}
	require.Empty(t, s.Stats().Flapping)
}

// An hour after its last eviction a host is forgotten.
func TestAHostThatNoLongerFlapsIsForgotten(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.flap("a", 0)
	s.flap("a", 0)
	evicted := s.clock.Now()
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 2 * time.Hour})
	s.sweepUntil(evicted.Add(time.Hour))
	s.after(0)
	require.Equal(t, 2, s.get("a").Evictions)
	s.after(1)
	require.Zero(t, s.get("a").Evictions)
	require.Empty(t, s.Stats().Flapping)
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
	s.flap("a", 0)
	require.Equal(t, 1, s.get("a").Evictions, "it begins again")
}

// Stats has the worst ten, those with the most evictions first, and of equals the latest.
func TestStatsHaveTheWorstTen(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for round := range 12 {
		for i := round; i < 12; i++ { // host i flaps i+1 times
			s.join(strconv.Itoa(i))
		}
		s.after(2*second + 1)
		for i := round; i < 12; i++ {
			s.join(strconv.Itoa(i))
			require.NoError(t, s.Leave(t.Context(), strconv.Itoa(i), 0))
		}
	}
	s.flap("late", 0)
	worst := s.Stats().Flapping
	require.Len(t, worst, 10)
	for i, f := range worst {
		require.Equal(t, strconv.Itoa(11-i), f.ID)
		require.Equal(t, 12-i, f.Evictions)
	}
}

// Ten thousand hosts come back after a mass eviction. The memory is bounded, and a host that
// flapped before stays in it.
func TestFlappingIsBounded(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for range 3 {
		s.flap("bad", 0)
	}
	s.joinOthers(10_000)
	s.after(2*second + 1)
	s.joinOthers(10_000)
	s.join("bad")
	flapping := 0
	for h := range s.All() {
		if h.Evictions > 0 {
			flapping++
		}
	}
	require.Equal(t, 4096, flapping)
	require.Equal(t, "bad", s.Stats().Flapping[0].ID)
	require.Equal(t, 4, s.Stats().Flapping[0].Evictions)
}

// A graceful policy gives a host more time for each eviction after which it came back.
type gracefulPolicy struct{ asked []hostmgr.History }

func (p *gracefulPolicy) NeedsHistory() bool { return true }

func (p *gracefulPolicy) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	p.asked = append(p.asked, h)
	return 0, time.Duration(2+h.Evictions) * h.Interval
}

// A HistoryPolicy sees the evictions from the join on, before any gap was learned.
func TestAHistoryPolicySeesTheEvictions(t *testing.T) {
	p := &gracefulPolicy{}
	var cleanups cleanupLog
	s := newScript(t, hostmgr.Config[string]{Policy: p, Cleanup: cleanups.cleanup})
	s.announce(hostmgr.Announcement[string]{ID: "a", Zone: "far", Interval: second})
	for i := range 4 {
		timeout := time.Duration(2+i) * second
		require.Equal(t, timeout, s.timeout("a"))
		s.clock.Advance(second)
		s.heartbeat("a")
		last := p.asked[len(p.asked)-1]
		require.Equal(t, hostmgr.History{Interval: second, Zone: "far", Mean: second, Count: 1, Evictions: i}, last)
		require.Equal(t, timeout, s.timeout("a"))
		require.Zero(t, s.after(timeout).Evicted)
		require.Equal(t, 1, s.after(1).Evicted)
		require.Equal(t, i, cleanups.departures[i].Host.Evictions)
		require.Equal(t, timeout, cleanups.departures[i].Timeout)
		p.asked = nil
		s.announce(hostmgr.Announcement[string]{ID: "a", Zone: "far", Interval: second})
		require.Contains(t, p.asked, hostmgr.History{Interval: second, Zone: "far", Evictions: i + 1})
	}
}

// A policy that needs no history is not asked by evictions, because its answers are shared.
func TestOtherPoliciesDoNotSeeTheEvictions(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: policyFunc(func(h hostmgr.History) (time.Duration, time.Duration) {
		require.Zero(t, h.Evictions)
		return 0, 2 * h.Interval
	})})
	s.flap("a", 0)
	s.flap("a", 0)
	require.Equal(t, 2*second, s.timeout("a"))
}

// A snapshot has the evictions, and Restore ignores them: the memory of evictions is not restored.
func TestRestoreIgnoresEvictions(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.flap("a", 0)
	hosts := slices.Collect(s.All())
	require.Equal(t, 1, hosts[0].Evictions)
	later := newScript(t, hostmgr.Config[string]{})
	_, err := later.Restore(slices.Values(hosts))
	require.NoError(t, err)
	require.Zero(t, later.get("a").Evictions, fmt.Sprint(later.Stats().Flapping))
}

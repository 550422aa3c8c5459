package hostmgr_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func TestRestoreGivesTheFullTimeoutAndKeepsCurrentHosts(t *testing.T) {
	old := newScript(t, hostmgr.Config[string]{})
	for _, id := range []string{"a", "b", "c"} {
		old.join(id)
	}
	old.clock.Advance(1999 * time.Millisecond)

	s := newScript(t, hostmgr.Config[string]{})
	s.clock.Advance(time.Minute)
	s.announce(hostmgr.Announcement[string]{ID: "b", Metadata: "mine", Interval: second})
	n, err := s.Restore(old.All())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, "mine", s.get("b").Metadata)
	require.Equal(t, "data of a", s.get("a").Metadata)
	require.Equal(t, old.get("a").Incarnation, s.get("a").Incarnation)
	require.Equal(t, old.get("a").Joined, s.get("a").Joined)
	require.Equal(t, old.get("a").LastContact, s.get("a").LastContact)
	require.Equal(t, s.clock.Now().Add(2*second), s.get("a").EvictAt)
	require.Zero(t, s.after(2*second).Evicted)
	require.Equal(t, 3, s.after(1).Evicted)
}

func TestRestoreSkipsInvalidHostsAndReportsThem(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{MaxHosts: 3})
	n, err := s.Restore(func(yield func(hostmgr.Host[string]) bool) {
		for _, h := range []hostmgr.Host[string]{
			{ID: "a"}, {ID: ""}, {ID: "b", Interval: -1}, {ID: "c"}, {ID: "d"}, {ID: "e"},
		} {
			if !yield(h) {
				return
			}
		}
	})
	require.Equal(t, 3, n)
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
	require.ErrorIs(t, err, hostmgr.ErrFull)
	require.Equal(t, []string{"a", "c", "d"}, s.ids())
	n, err = s.Restore(nil)
	require.Zero(t, n)
	require.NoError(t, err)
}

func TestALoopOverAllMayCallTheRegistryAndStop(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 2000 {
		s.join(string(rune('a'+i%26)) + time.Duration(i).String())
	}
	seen := map[string]bool{}
	for h := range s.All() {
		require.False(t, seen[h.ID])
		seen[h.ID] = true
		require.NoError(t, s.Leave(context.Background(), h.ID, 0))
		s.join("new " + h.ID)
		if len(seen) == 1500 {
			break
		}
	}
	require.Len(t, seen, 1500)
	require.Equal(t, 2000, s.Len())
}

func TestNextReturnsTheDeadline(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(3)})
	_, ok := s.Next()
	require.False(t, ok, "nothing to wait for")
	s.join("a")
	start := s.clock.Now()
	for _, want := range []time.Duration{2*second + 1, 3*second + 1} { // suspect, evicted
		next, ok := s.Next()
		require.True(t, ok)
		require.Equal(t, start.Add(want), next)
		s.after(next.Sub(s.clock.Now()))
	}
	require.True(t, s.gone("a"))
	_, ok = s.Next()
	require.False(t, ok)
}

func TestNextIsAtMostHalfTheStallThresholdAhead(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second})
	for range 10 {
		next, ok := s.Next()
		require.True(t, ok)
		require.LessOrEqual(t, next.Sub(s.clock.Now()), second)
		require.Zero(t, s.after(next.Sub(s.clock.Now())).StallTime)
	}
}

func TestSampleIsDistinctEligibleAndUniform(t *testing.T) {
	for _, n := range []int{3, 40} { // by random draws, and by a pass over all hosts
		s := newScript(t, hostmgr.Config[string]{})
		ids := make([]string, 60)
		for i := range ids {
			ids[i] = string(rune('A' + i))
			s.join(ids[i])
		}
		s.clock.Advance(1600 * time.Millisecond) // all Suspect
		for _, id := range ids[10:] {
			s.heartbeat(id)
		}
		drawn := map[string]int{}
		const rounds = 500
		for range rounds {
			distinct := map[uint64]bool{}
			for _, h := range s.Sample(n, func(h hostmgr.Host[string]) bool { return h.ID != "Z" }) {
				require.Equal(t, hostmgr.StateAlive, h.State)
				require.NotEqual(t, "Z", h.ID)
				distinct[h.Registration] = true
				drawn[h.ID]++
			}
			require.Len(t, distinct, n)
		}
		require.Len(t, drawn, 49)
		mean := float64(rounds*n) / 49
		for id, k := range drawn { // at most 8 standard deviations of a binomial
			require.InDelta(t, mean, float64(k), 8*math.Sqrt(mean), id)
		}
	}
}

func TestSampleReturnsFewerOnlyIfThereAreNoMore(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.Empty(t, s.Sample(3, nil))
	for i := range 1000 {
		s.join(time.Duration(i).String())
	}
	require.Empty(t, s.Sample(0, nil))
	require.Empty(t, s.Sample(-1, nil))
	require.Len(t, s.Sample(5000, nil), 1000)
	one := s.Sample(2, func(h hostmgr.Host[string]) bool { return h.ID == "7ns" })
	require.Len(t, one, 1)
}

func TestAllShowsAHostThatIsReplacedMeanwhile(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	announceAll := func(incarnation uint64) {
		for i := range 6000 {
			s.announce(hostmgr.Announcement[string]{ID: time.Duration(i).String(), Incarnation: incarnation})
		}
	}
	announceAll(1)
	shown, old := map[string]bool{}, 0
	for h := range s.All() {
		if len(shown) == 0 {
			announceAll(2)
		}
		require.False(t, shown[h.ID])
		shown[h.ID] = true
		if h.Incarnation == 1 {
			old++
		}
	}
	require.Len(t, shown, 6000)
	require.Positive(t, old)
	require.Less(t, old, 6000, "hosts are read in portions")
}

func TestSampleIsDistinctThoughHostsAreReplacedMeanwhile(t *testing.T) {
	for range 50 {
		s := newScript(t, hostmgr.Config[string]{})
		incarnation := uint64(0)
		replaceAll := func() {
			incarnation++
			for i := range 12 {
				s.announce(hostmgr.Announcement[string]{ID: time.Duration(i).String(), Incarnation: incarnation})
			}
		}
		replaceAll()
		ids := map[string]bool{}
		for _, h := range s.Sample(2, func(h hostmgr.Host[string]) bool {
			replaceAll()
			return h.ID < "2"
		}) {
			require.False(t, ids[h.ID])
			ids[h.ID] = true
		}
	}
}

func TestRestoreOfAHostFromTheFuture(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	n, err := s.Restore(func(yield func(hostmgr.Host[string]) bool) {
		yield(hostmgr.Host[string]{ID: "a", Joined: s.clock.Now().Add(time.Hour)})
	})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, s.clock.Now(), s.get("a").Joined)
}

func TestNextIsCorrectAfterAStepBack(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.clock.Advance(100 * second)
	s.join("a")
	s.clock.Advance(-50 * second)
	s.Sweep(context.Background())
	next, ok := s.Next()
	require.True(t, ok)
	require.Equal(t, s.clock.Now().Add(1500*time.Millisecond+1), next)
}

// A held host is not sampled, and takes no place in the result.
func TestSampleReturnsNoHeldHost(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{
		Confirm: func(context.Context, hosts) (hosts, error) { return nil, nil },
	})
	for i := range 50 {
		s.join("dead " + time.Duration(i).String())
		s.announce(hostmgr.Announcement[string]{ID: time.Duration(i).String(), Interval: time.Hour})
	}
	require.Equal(t, 50, s.after(3*second).Held)
	for range 50 {
		for _, h := range s.Sample(10, nil) {
			require.Empty(t, h.Hold)
		}
	}
}

func TestRestoreNamesTheFirstInvalidHostsAndCountsTheRest(t *testing.T) {
	for bad, says := range map[int]string{8: "", 9: "hostmgr: 1 more hosts not restored", 20: "hostmgr: 12 more hosts not restored"} {
		s := newScript(t, hostmgr.Config[string]{})
		n, err := s.Restore(slices.Values(make([]hostmgr.Host[string], bad)))
		require.Zero(t, n)
		require.Equal(t, 8, strings.Count(err.Error(), `host "": `))
		require.Contains(t, err.Error(), says)
		require.Equal(t, says != "", strings.Contains(err.Error(), "more hosts"))
	}
}

// Next returns the deadline if that comes before half of StallThreshold has passed.
func TestNextIsADeadlineAlthoughStallThresholdIsSet(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: time.Minute})
	s.Sweep(t.Context())
	s.join("a")
	next, ok := s.Next()
	require.True(t, ok)
	require.Less(t, next.Sub(s.clock.Now()), 3*second)
}

// The clock is before 1970. Assigned incarnations are not huge all the same.
func TestIncarnationsBefore1970(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Unix(-1e9, 0))
	s := newScriptOn(t, clock, hostmgr.Config[string]{Clock: clock})
	require.Equal(t, uint64(1), s.join("a").Incarnation)
}

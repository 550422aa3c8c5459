package hostmgr_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func TestRejoinedHostsAreCounted(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	evict := func(id string) {
		s.join(id)
		require.Equal(t, 1, s.after(2*second+1).Evicted)
	}
	returned := func() int { return int(s.Stats().RejoinedAfterEviction) }

	s.join("left")
	require.NoError(t, s.Leave(t.Context(), "left", 0))
	s.join("left")
	require.Zero(t, returned(), "a host that left may join again")
	require.NoError(t, s.Forget("left", 0))

	evict("a")
	s.join("b")
	require.NoError(t, s.Leave(t.Context(), "b", 0))
	require.Zero(t, returned())
	s.join("a")
	require.Equal(t, 1, returned())
	s.join("a")
	require.Equal(t, 1, returned(), "a refresh is no join")
	require.NoError(t, s.Leave(t.Context(), "a", 0))
	s.join("a")
	require.Equal(t, 1, returned(), "this host left, and joined again")
	require.NoError(t, s.Leave(t.Context(), "a", 0))

	evict("a")
	s.clock.Advance(5 * time.Minute)
	s.join("a")
	require.Equal(t, 2, returned(), "within five minutes")
	require.NoError(t, s.Leave(t.Context(), "a", 0))
	evict("a")
	s.clock.Advance(5*time.Minute + second)
	s.join("a")
	require.Equal(t, 2, returned(), "not within five minutes, whether or not a sweep has noticed")
	require.NoError(t, s.Leave(t.Context(), "a", 0))
	evict("a")
	s.after(6 * time.Minute)
	s.join("a")
	require.Equal(t, 2, returned())
}

// Very many hosts are evicted at once and join again. Nearly all of them are recognised, and no
// other host is.
func TestManyRejoinedHosts(t *testing.T) {
	const many = 1 << 15
	s := newScript(t, hostmgr.Config[string]{})
	for i := range many {
		s.join(strconv.Itoa(i))
	}
	require.Equal(t, many, s.after(3*second).Evicted)
	for i := range many {
		s.join("other" + strconv.Itoa(i))
	}
	others := s.Stats().RejoinedAfterEviction
	require.LessOrEqual(t, others, uint64(8), "one in 65,536 is expected")
	for i := range many {
		s.join(strconv.Itoa(i))
	}
	require.Greater(t, s.Stats().RejoinedAfterEviction-others, uint64(many*98/100))
	require.LessOrEqual(t, s.Stats().RejoinedAfterEviction-others, uint64(many))
}

// More hosts are evicted than are remembered: the latest ones are remembered.
func TestTheLatestEvictionsAreRemembered(t *testing.T) {
	const first, latest = 1<<16 + 1000, 1 << 15
	s := newScript(t, hostmgr.Config[string]{})
	for i := range first {
		s.join("first" + strconv.Itoa(i))
	}
	for i := range latest {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: 10 * second})
	}
	require.Equal(t, first, s.after(3*second).Evicted)
	require.Equal(t, latest, s.after(20*second).Evicted)
	for i := range latest {
		s.join(strconv.Itoa(i))
	}
	require.Greater(t, s.Stats().RejoinedAfterEviction, uint64(latest*98/100))
}

// The memory of evictions takes at most 4 MB, before the next join and after it.
func TestTheMemoryOfEvictionsIsBounded(t *testing.T) {
	const many, room = 1 << 17, 4 << 20
	s := newScript(t, hostmgr.Config[string]{})
	s.join("the first host, for which the distributions of Stats are allocated")
	s.after(time.Hour)
	s.after(time.Hour)
	before := heap()
	for range 3 {
		for i := range many {
			s.join(strconv.Itoa(i))
		}
		require.Less(t, heap()-before, int64(many*400))
		require.Equal(t, many, s.after(3*second).Evicted)
		require.Less(t, heap()-before, int64(room), "before a join")
		s.join("one")
		require.NoError(t, s.Leave(t.Context(), "one", 0))
		require.Less(t, heap()-before, int64(room), "after a join")
	}
	runtime.KeepAlive(s)
}

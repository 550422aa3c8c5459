package hostmgr_test

import (
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

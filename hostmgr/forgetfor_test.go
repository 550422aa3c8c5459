package hostmgr_test

import (
	"context"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// What the embedder evicts stays away, although the host is alive and announces itself.
func TestForgetForKeepsAHostOut(t *testing.T) {
	for _, said := range []uint64{5, 0} {
		s := newScript(t, hostmgr.Config[string]{})
		require.NoError(t, s.as(5))
		require.NoError(t, s.ForgetFor("a", said, time.Hour))
		for range 60 {
			for _, incarnation := range []uint64{5, 4, 0} {
				require.ErrorIs(t, s.as(incarnation), hostmgr.ErrStale)
			}
			_, err := s.Heartbeat("a", 5)
			require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
			s.after(time.Minute - 1)
		}
		s.after(60)
		require.NoError(t, s.as(5), "an hour has passed")
		require.Zero(t, s.Stats().Departures.Left)
		require.EqualValues(t, 1, s.Stats().Departures.Forgotten)
	}
}

// A newer incarnation is another process. Its departure does not let the older one in.
func TestForgetForLetsANewerProcessIn(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.NoError(t, s.as(5))
	require.NoError(t, s.ForgetFor("a", 5, time.Hour))
	require.NoError(t, s.as(7))
	require.NoError(t, s.as(0), "it refreshes the current one")
	require.Equal(t, 1, s.after(3*second).Evicted)
	require.ErrorIs(t, s.as(5), hostmgr.ErrStale)
	require.ErrorIs(t, s.as(0), hostmgr.ErrStale)
	require.NoError(t, s.as(7), "it was only silent")
	require.NoError(t, s.Forget("a", 0))
	require.ErrorIs(t, s.as(5), hostmgr.ErrStale)
}

func TestALaterForgetForCanOnlyExtend(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.NoError(t, s.as(5))
	require.NoError(t, s.ForgetFor("a", 5, time.Hour))
	require.NoError(t, s.as(6))
	require.NoError(t, s.ForgetFor("a", 6, time.Minute))
	s.after(time.Hour - 1)
	require.ErrorIs(t, s.as(6), hostmgr.ErrStale)
	s.after(1)
	require.NoError(t, s.as(5))
	require.NoError(t, s.ForgetFor("a", 5, math.MaxInt64))
	s.after(50 * 365 * 24 * time.Hour)
	require.ErrorIs(t, s.as(5), hostmgr.ErrStale)
}

func TestErrorsOfForgetFor(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.ErrorIs(t, s.ForgetFor("a", 0, second), hostmgr.ErrUnknownHost)
	require.NoError(t, s.as(5))
	require.ErrorIs(t, s.ForgetFor("a", 0, 0), hostmgr.ErrInvalid)
	require.ErrorIs(t, s.ForgetFor("a", 0, -1), hostmgr.ErrInvalid)
	require.ErrorIs(t, s.ForgetFor("a", 4, second), hostmgr.ErrStale)
	require.ErrorIs(t, s.ForgetFor("a", 6, second), hostmgr.ErrUnknownHost)
	require.Equal(t, 1, s.Len())
	require.NoError(t, s.as(5))
}

func TestForgetForKeepsABoundedNumberOut(t *testing.T) {
	const most = 32_768
	s := newScript(t, hostmgr.Config[string]{})
	before := heap()
	for i := range most + 1 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Hour})
	}
	for i := range most {
		require.NoError(t, s.ForgetFor(strconv.Itoa(i), 0, time.Minute))
	}
	last := strconv.Itoa(most)
	require.ErrorIs(t, s.ForgetFor(last, 0, time.Minute), hostmgr.ErrFull)
	require.Equal(t, 1, s.Len(), "nothing was changed")
	s.clock.Advance(time.Minute)
	require.NoError(t, s.ForgetFor(last, 0, time.Minute), "the others are over")
	s.after(time.Minute)
	s.after(time.Minute)
	require.Less(t, heap()-before, int64(200_000))
}

func TestForgetForDoesNotRefuseRestore(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.NoError(t, s.as(5))
	kept := slices.Collect(s.All())
	require.NoError(t, s.ForgetFor("a", 5, time.Hour))
	n, err := s.Restore(slices.Values(kept))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, s.Leave(context.Background(), "a", 0))
}

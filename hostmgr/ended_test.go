package hostmgr_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// as announces host "a" with an incarnation and an interval of a second.
func (s *script) as(incarnation uint64) error {
	_, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: incarnation})
	return err
}

// A host leaves while announces of its process, and of an older one, are on their way
// (Netflix/eureka#98).
func TestAnAnnounceAfterItsLeaveBringsNothingBack(t *testing.T) {
	for _, leaves := range []uint64{5, 0} { // 0: the current one
		s := newScript(t, hostmgr.Config[string]{})
		require.NoError(t, s.as(5))
		require.NoError(t, s.Leave(context.Background(), "a", leaves))
		for range 5 {
			for _, late := range []uint64{5, 3} {
				require.ErrorIs(t, s.as(late), hostmgr.ErrStale)
				_, err := s.Heartbeat("a", late)
				require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
			}
			s.after(time.Minute)
		}
		require.Zero(t, s.Len())
		require.EqualValues(t, 1, s.Stats().Joins)
		require.ErrorIs(t, s.as(5), hostmgr.ErrStale)
		s.after(1)
		require.NoError(t, s.as(3), "it is forgotten after 5 minutes")
	}
}

func TestANewProcessJoinsAfterALeave(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.NoError(t, s.as(5))
	require.NoError(t, s.Leave(context.Background(), "a", 5))
	require.NoError(t, s.as(6))
	require.NoError(t, s.Leave(context.Background(), "a", 6))
	require.NoError(t, s.as(0), "it says nothing about its incarnation")
	require.Greater(t, s.get("a").Incarnation, uint64(6))
	require.ErrorIs(t, s.as(6), hostmgr.ErrStale)
}

// The clock of the registry is behind that of the hosts, or counts from 1970. An incarnation that
// it assigns is still newer than the one that ended, and the one that ended does not replace it.
func TestAnAssignedIncarnationIsNewerThanWhatEnded(t *testing.T) {
	for _, ended := range []uint64{5, 1 << 62, 1 << 63, math.MaxUint64} {
		s := newScript(t, hostmgr.Config[string]{})
		require.NoError(t, s.as(ended))
		require.NoError(t, s.Leave(context.Background(), "a", 0))
		ack := s.join("a")
		if ended < math.MaxUint64 {
			require.Greater(t, ack.Incarnation, ended)
		}
		require.ErrorIs(t, s.as(ended), hostmgr.ErrStale)
		require.Equal(t, ack.Registration, s.get("a").Registration)
		require.Greater(t, s.join("b").Incarnation, ack.Incarnation)
	}
}

// A process is replaced, and the new one dies. An announce of the old one comes then.
func TestWhatWasReplacedDoesNotComeBack(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.NoError(t, s.as(5))
	require.NoError(t, s.as(7))
	require.Equal(t, 1, s.after(3*second).Evicted)
	require.ErrorIs(t, s.as(5), hostmgr.ErrStale)
	require.NoError(t, s.as(6))
}

// An eviction by silence is not remembered: a host that announces was alive after all.
func TestAHostThatWasOnlySilentComesBack(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for range 3 {
		require.NoError(t, s.as(5))
		require.Equal(t, 1, s.after(3*second).Evicted)
	}
	require.NoError(t, s.as(5))
	require.NoError(t, s.Forget("a", 5))
	require.NoError(t, s.as(5), "nor is a Forget without a limit")
}

func TestRestoreIsNotRefused(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.NoError(t, s.as(5))
	kept := slices.Collect(s.All())
	require.NoError(t, s.Leave(context.Background(), "a", 5))
	n, err := s.Restore(slices.Values(kept))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, s.as(5), "it is the current one")
}

func TestTheLatestLeavesAreRemembered(t *testing.T) {
	const most, all = 32_768, 40_000
	s := newScript(t, hostmgr.Config[string]{})
	announce := func(i int) error {
		_, err := s.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Incarnation: 1})
		return err
	}
	before := heap()
	for i := range all {
		require.NoError(t, announce(i))
		require.NoError(t, s.Leave(context.Background(), strconv.Itoa(i), 1))
	}
	require.Less(t, heap()-before, int64(2<<20))
	for i := range all {
		if err := announce(i); (err == nil) != (i < all-most) {
			t.Fatal(i, err)
		}
	}
	s.after(5*time.Minute + 1)
	require.Less(t, heap()-before, int64(200_000))
}

// Many announces of one process are under way while it leaves. Some come before the Leave. After
// the Leave has returned, none of them joins.
func TestAfterALeaveNoAnnounceOfItsProcessJoins(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for incarnation := range uint64(times(300, 20_000)) {
		incarnation++
		var left atomic.Bool
		var wg sync.WaitGroup
		require.NoError(t, s.as(incarnation))
		for range 4 {
			wg.Go(func() {
				for late := false; !late; {
					late = left.Load()
					if err := s.as(incarnation); late && !errors.Is(err, hostmgr.ErrStale) {
						t.Errorf("incarnation %d after its Leave: %v", incarnation, err)
					}
				}
			})
		}
		require.NoError(t, s.Leave(context.Background(), "a", incarnation))
		left.Store(true)
		require.True(t, s.gone("a"))
		wg.Wait()
		require.True(t, s.gone("a"))
	}
	require.Equal(t, s.Stats().Joins, s.Stats().Departures.Left)
}

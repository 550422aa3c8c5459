package hostmgr_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// owed returns the ids of the departures whose cleanup is owed.
func (s *script) owed() (ids []string) {
	for d := range s.Pending() {
		ids = append(ids, d.Host.ID)
	}
	return ids
}

// One host left, one was evicted, one was replaced, one forgotten. The loop body calls the
// registry.
func TestPendingListsWhatIsOwed(t *testing.T) {
	fail := true
	s := newScript(t, hostmgr.Config[string]{Cleanup: func(context.Context, hostmgr.Departure[string]) error {
		if fail {
			return errNotNow
		}
		return nil
	}})
	require.Empty(t, s.owed())
	first := s.join("leaves")
	s.clock.Advance(1500 * time.Millisecond)
	require.ErrorIs(t, s.Leave(t.Context(), "leaves", 0), hostmgr.ErrCleanupPending)
	left := s.clock.Now()
	s.join("is evicted")
	s.after(3 * second)
	s.join("forgotten")
	require.NoError(t, s.Forget("forgotten", 0))
	s.announce(hostmgr.Announcement[string]{ID: "is replaced", Incarnation: 1})
	s.announce(hostmgr.Announcement[string]{ID: "is replaced", Incarnation: 2})
	var owed []hostmgr.Departure[string]
	for d := range s.Pending() {
		owed = append(owed, d)
		s.announce(hostmgr.Announcement[string]{ID: d.Host.ID})
		require.Len(t, s.owed(), 3, "it may call Pending too")
		require.Equal(t, 3, s.Stats().Cleanup.Pending)
	}
	require.Equal(t, []string{"leaves", "is evicted", "is replaced"}, s.owed()[:3])
	require.Len(t, owed, 3)
	require.Equal(t, hostmgr.DepartureLeft, owed[0].Kind)
	require.Equal(t, first.Registration, owed[0].Host.Registration)
	require.Equal(t, "data of leaves", owed[0].Host.Metadata)
	require.Equal(t, left, owed[0].At)
	require.Equal(t, 1500*time.Millisecond, owed[0].Silence)
	require.Equal(t, []int{2, 1, 0}, []int{owed[0].Attempt, owed[1].Attempt, owed[2].Attempt})
	fail = false
	s.after(minute)
	require.Empty(t, s.owed())
	require.Empty(t, slices.Collect(newScript(t, hostmgr.Config[string]{}).Pending()))
}

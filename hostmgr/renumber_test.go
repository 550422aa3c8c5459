package hostmgr_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

// renumber gives a host of keeper 0 the numbers of the table.
func (s *sharedScript) renumber(id string, registration uint64) {
	s.t.Helper()
	h := s.get(id)
	h.Incarnation, h.Registration = registration, registration
	require.Equal(s.t, shared.Reflected, s.reflect(h, shared.Reflection{Assigned: true}))
}

// A host that was suspect when it got other numbers is suspect still, or recovers. Each suspicion
// that was reported ends in one of the two ways that watchers see.
func TestARenumberedHostStaysSuspectOrRecovers(t *testing.T) {
	const suspected, recovered, updated = hostmgr.EventSuspected, hostmgr.EventRecovered, hostmgr.EventUpdated
	s := newShared(t, hostmgr.Config[string]{Policy: hostmgr.Tiered{Jitter: second, Offline: time.Hour}})
	s.join("a")
	kinds, _ := eventsOf(s, func() {
		s.after(5 * second)
		s.renumber("a", 70)
		require.Equal(t, hostmgr.StateSuspect, s.get("a").State)
		require.Equal(t, 1, s.Stats().Suspects)
		s.heartbeat("a")
		s.after(5 * second)
		s.Vouch(1, second)
		s.reflect(hostOf("a", 71, 71), shared.Reflection{Keeper: 1, Assigned: true})
	})
	require.Equal(t, []hostmgr.EventKind{suspected, updated, recovered, suspected, updated, recovered}, kinds)
	st := s.Stats()
	require.Equal(t, []uint64{2, 2, 0}, []uint64{st.Suspected, st.Recovered, uint64(st.Suspects)})
}

// What has changed here before a host gets other numbers is still to be taken, and wins.
func TestAChangeOutlivesARenumbering(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "new", Zone: "z", Interval: 5 * second})
	require.Equal(t, shared.Reflected, s.reflect(hostOf("a", 7, 70), shared.Reflection{Keeper: 1, Assigned: true}))
	h := s.get("a")
	require.Equal(t, []any{"new", "z", 5 * second, uint64(70)}, []any{h.Metadata, h.Zone, h.Interval, h.Registration})
	require.Equal(t, []string{"a+"}, s.changed())
	require.Empty(t, s.changed())
}

// The host announces itself between a Take and the news of an older change elsewhere.
func TestReflectDoesNotUndoAnAnnounceThatWasNotTaken(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.mirror("a")
	s.changed()
	s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "new", Interval: second})
	s.mirror("a")
	require.Equal(t, "new", s.get("a").Metadata)
	require.Equal(t, []string{"a+"}, s.changed())
	s.mirror("a")
	require.Equal(t, "data of a", s.get("a").Metadata, "the caller knows, and decides")
	s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "new", Interval: second})
	s.changed()
	s.after(3 * second) // suspect: that says nothing of the metadata
	s.Vouch(1, -time.Hour)
	s.mirror("a")
	require.Equal(t, "data of a", s.get("a").Metadata)
}

// The speaker, the greatest revision and the arrival history do not depend on numbers.
func TestWhatARenumberedHostKeeps(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{Policy: hostmgr.PhiAccrual{MinOverdue: second / 10}})
	a := hostmgr.Announcement[string]{ID: "a", Metadata: "2", Interval: second, Speaker: "one", Revision: 2}
	s.announce(a)
	for range 100 {
		s.clock.Advance(second / 5)
		s.heartbeat("a")
	}
	before := s.get("a")
	require.Less(t, before.EvictAt.Sub(before.LastContact), 2*second+1)
	s.changed()
	s.renumber("a", 70)
	after := s.get("a")
	require.Equal(t, before.SuspectAt, after.SuspectAt)
	require.Equal(t, before.EvictAt, after.EvictAt)
	_, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Speaker: "two"})
	require.ErrorIs(t, err, hostmgr.ErrConflict)
	a.Metadata, a.Revision = "1", 1
	s.announce(a)
	require.Equal(t, "2", s.get("a").Metadata, "revision 1 was overtaken")
}

// A function of While stores something for the registration, which gets other numbers meanwhile.
func TestWhileProtectsARenumberedHost(t *testing.T) {
	var log cleanupLog
	s := newShared(t, hostmgr.Config[string]{Cleanup: log.cleanup})
	own := s.join("a").Registration
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.While("a", own, func() error {
		s.renumber("a", 70)
		s.renumber("a", own)
		s.renumber("a", 71)
		require.NoError(t, s.While("a", 71, func() error { return nil }))
		require.ErrorIs(t, s.Leave(ctx, "a", 0), hostmgr.ErrCleanupPending)
		s.after(0)
		require.Empty(t, log.departures)
		return nil
	}))
	s.after(0)
	require.Len(t, log.departures, 1)
	require.EqualValues(t, 71, log.departures[0].Host.Registration)
}

// An announce that was on its way when its host left brings nothing back, although the host used
// the number that it was told here.
func TestAnAnnounceOfARenumberedHostThatHasLeft(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	own := s.join("a").Incarnation
	s.reflect(hostOf("a", 7, 70), shared.Reflection{Keeper: 1, Assigned: true})
	require.NoError(t, s.Leave(t.Context(), "a", own))
	_, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Incarnation: own})
	require.ErrorIs(t, err, hostmgr.ErrStale)
	require.NotZero(t, s.announce(hostmgr.Announcement[string]{ID: "a"}), "another process")
}

// A snapshot of an earlier process: the host was last heard before that, and is registered by
// another member.
func TestARestoredHostThatItsKeeperVouchesFor(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	h := hostOf("a", 7, 70)
	h.LastContact, h.State = s.clock.Now().Add(-time.Hour), hostmgr.StateSuspect
	n, err := s.Restore(func(yield func(hostmgr.Host[string]) bool) { yield(h) })
	require.NoError(t, err)
	require.Equal(t, 1, n)
	s.reflect(hostOf("a", 7, 80), shared.Reflection{})
	require.Equal(t, hostmgr.StateSuspect, s.get("a").State)
	s.clock.Advance(second)
	s.Vouch(1, time.Minute)
	s.reflect(hostOf("a", 7, 80), shared.Reflection{Keeper: 1})
	got := s.get("a")
	require.Equal(t, hostmgr.StateAlive, got.State)
	require.Equal(t, s.clock.Now(), got.LastContact)
}

// Heartbeats and suspicions of a keeper come at the same time. A host that was heard is alive.
func TestAHeartbeatWhileItsKeeperBeginsToSuspectAHost(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	s := r.Sharing()
	require.NoError(t, s.Begin(func() {}))
	for range times(2000, 20_000) {
		s.Vouch(1, time.Hour)
		_, err = s.Reflect(hostOf("a", 7, 70), shared.Reflection{Keeper: 1})
		require.NoError(t, err)
		var both sync.WaitGroup
		both.Go(func() { s.Assign("a", 70, shared.Reflection{Keeper: 1, Suspect: true}) })
		both.Go(func() {
			if _, err := r.Heartbeat("a", 0); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		h, _ := r.Get("a")
		require.Equal(t, hostmgr.StateAlive, h.State)
		require.NoError(t, r.Forget("a", 0))
		s.Take(10, 10)
	}
}

// The table has a dead keeper's host under other numbers, and this registry as its keeper: its
// silence counts from the end of the vouching.
func TestTheSilenceOfARenumberedHostThatWasTakenOver(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.mirror("a")
	s.clock.Advance(10 * second)
	s.Vouch(1, -second)
	s.reflect(hostOf("a", 7, 71), shared.Reflection{})
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	require.Equal(t, s.clock.Now().Add(-second), s.get("a").LastContact)
}

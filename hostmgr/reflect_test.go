package hostmgr_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

// eventsOf returns the kinds of the events that a function causes.
func eventsOf(s *sharedScript, f func()) (kinds []hostmgr.EventKind, events []hostmgr.Event[string]) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for e := range s.Watch(ctx, hostmgr.EventUpdated, hostmgr.EventSuspected, hostmgr.EventRecovered, hostmgr.EventDeparted, hostmgr.EventKind(20)) {
		if e.Kind == hostmgr.EventSynced {
			f()
			s.join("last")
			s.join("last")
			continue
		}
		if e.Host.ID == "last" {
			break
		}
		kinds, events = append(kinds, e.Kind), append(events, e)
	}
	return kinds, events
}

func TestReflectRegistersAHostWithoutAContact(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: time.Minute, PerSecond: 1}})
	s.Vouch(3, second)
	h := hostOf("a", 7, 70)
	h.Zone, h.Joined, h.Interval = "z", s.clock.Now().Add(-time.Hour), 10*second
	require.Equal(t, shared.Reflected, s.reflect(h, shared.Reflection{Keeper: 3, Assigned: true}))
	got, p := s.look("a")
	require.Greater(t, p.Ago, 365*24*time.Hour, "it was never heard here")
	require.Equal(t, shared.Private{Keeper: 3, Assigned: true, Word: p.Word, Timeout: 20 * second, Ago: p.Ago}, p)
	require.Equal(t, []any{"data of a", 10 * second, uint64(7), uint64(70), "z", h.Joined},
		[]any{got.Metadata, got.Interval, got.Incarnation, got.Registration, got.Zone, got.Joined})
	require.EqualValues(t, 1, s.Stats().Joins)
	require.Less(t, s.join("b").Interval, 5*second, "it is no join burst")

	kinds, events := eventsOf(s, func() {
		h.Metadata, h.Zone, h.Interval = "new", "y", 20*second
		s.reflect(h, shared.Reflection{Keeper: 4, Assigned: true})
	})
	require.Equal(t, []hostmgr.EventKind{hostmgr.EventUpdated}, kinds)
	require.Equal(t, "new", events[0].Host.Metadata)
	got, p = s.look("a")
	require.Equal(t, []any{"y", 20 * second, uint8(4)}, []any{got.Zone, got.Interval, p.Keeper})
	require.Equal(t, []string{"b+", "last+"}, slices.Sorted(slices.Values(s.changed())))
}

// A host announces itself to two registries, and each assigns an incarnation. Then one learns what
// the other one has registered. The host is one and lives: no registration departs.
func TestAHostThatTwoRegistriesHaveRegistered(t *testing.T) {
	for what, c := range map[string]struct {
		own      uint64 // incarnation
		table    uint64
		assigned bool
	}{
		"both assigned, the own one is greater": {0, 5, true},
		"both assigned, the own one is lower":   {0, 1 << 62, true},
		"the same incarnation":                  {9, 9, false},
	} {
		var log cleanupLog
		s := newShared(t, hostmgr.Config[string]{Cleanup: log.cleanup})
		own := s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: c.own, Zone: "z"})
		s.clock.Advance(second / 2)
		s.heartbeat("a")
		heard := s.get("a").LastContact
		s.Vouch(1, -time.Hour)
		kinds, _ := eventsOf(s, func() {
			require.Equal(t, shared.Reflected, s.reflect(hostOf("a", c.table, 70), shared.Reflection{Keeper: 1, Assigned: c.assigned}), what)
		})
		require.Equal(t, []hostmgr.EventKind{hostmgr.EventUpdated}, kinds, what)
		h, p := s.look("a")
		require.Equal(t, []uint64{c.table, 70}, []uint64{h.Incarnation, h.Registration}, what)
		require.Equal(t, heard, h.LastContact, what)
		require.True(t, p.Heard)

		ack, err := s.Heartbeat("a", own.Incarnation)
		require.NoError(t, err, "%s: the host was told this incarnation", what)
		require.EqualValues(t, 70, ack.Registration, what)
		ack, err = s.Announce(hostmgr.Announcement[string]{ID: "a", Incarnation: own.Incarnation})
		require.NoError(t, err, what)
		require.EqualValues(t, 70, ack.Registration, what)
		require.EqualValues(t, 1, s.get("a").Registration/70, what)
		require.NoError(t, s.Leave(t.Context(), "a", own.Incarnation), what)
		require.Len(t, log.departures, 1, what)
		require.EqualValues(t, 70, log.departures[0].Host.Registration, what)
		require.Equal(t, map[string]uint64{"Left": 1}, departures(s.Stats()), what)
	}
}

func departures(st hostmgr.Stats) map[string]uint64 {
	m := map[string]uint64{
		"Left": st.Departures.Left, "Evicted": st.Departures.Evicted,
		"Replaced": st.Departures.Replaced, "Forgotten": st.Departures.Forgotten,
	}
	for k, n := range m {
		if n == 0 {
			delete(m, k)
		}
	}
	return m
}

// An incarnation that another process could have is refused, although the host was renumbered.
func TestARenumberedHostIsNoOtherProcess(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	own := s.join("a").Incarnation
	s.reflect(hostOf("a", 5, 70), shared.Reflection{Keeper: 1, Assigned: true})
	for incarnation, want := range map[uint64]error{5: nil, own: nil, 4: hostmgr.ErrStale, 1 << 62: hostmgr.ErrUnknownHost} {
		_, err := s.Heartbeat("a", incarnation)
		require.ErrorIs(t, err, want, incarnation)
	}
	s.mirror("b")
	_, err := s.Heartbeat("b", own)
	require.ErrorIs(t, err, hostmgr.ErrUnknownHost, "it was told to another host")
}

func TestReflectOfANewerAndAnOlderProcess(t *testing.T) {
	var log cleanupLog
	s := newShared(t, hostmgr.Config[string]{Cleanup: log.cleanup})
	own := s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: 9})
	require.Equal(t, shared.NewerHere, s.reflect(hostOf("a", 8, 70), shared.Reflection{Keeper: 1}))
	require.Equal(t, own.Registration, s.get("a").Registration)
	s.Vouch(1, 5*second)
	require.Equal(t, shared.Reflected, s.reflect(hostOf("a", 10, 70), shared.Reflection{Keeper: 1}))
	h, p := s.look("a")
	require.EqualValues(t, 70, h.Registration)
	require.False(t, p.Heard, "the new process was heard elsewhere")
	require.Equal(t, hostmgr.StateAlive, h.State)
	s.after(0)
	require.Len(t, log.departures, 1)
	require.Equal(t, own.Registration, log.departures[0].Host.Registration)
	_, departed := s.Take(10, 10)
	require.Len(t, departed, 1, "others may not know this registration")
	require.Equal(t, hostmgr.DepartureReplaced, departed[0].Kind)
	_, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Incarnation: 9})
	require.ErrorIs(t, err, hostmgr.ErrStale)
	require.Equal(t, 1, s.Len())
}

// A suspect host that waits for the eviction limit gets other numbers. The figures of its zone
// stay right.
func TestFiguresAfterAHostIsRenumbered(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1, MaxHold: time.Hour}})
	for i := range 10 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: second, Zone: "x"})
	}
	s.after(3 * second)
	require.Equal(t, []zoneFigures{{Name: "x", Hosts: 10, Suspects: 10, Held: 10}}, zonesOf(s.Stats()))
	s.changed() // the table may be newer from now on
	for i := range 10 {
		h := hostOf(strconv.Itoa(i), 5, uint64(100+i))
		h.Zone = "y"
		s.reflect(h, shared.Reflection{Keeper: 1, Assigned: true})
		s.Vouch(1, second)
	}
	s.after(0)
	require.Equal(t, []zoneFigures{{Name: "y", Hosts: 10}}, zonesOf(s.Stats()))
	require.Zero(t, s.Stats().Held+s.Stats().Suspects)
}

// Members that started together may give out numbers near each other.
func TestNumbersOfMembersStayApart(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	first := s.join("a").Registration
	s.reflect(hostOf("b", 7, first+5), shared.Reflection{Keeper: 1})
	require.Greater(t, s.join("c").Registration, first+1<<30)
	far := first + 1<<50
	s.reflect(hostOf("d", 7, far), shared.Reflection{Keeper: 1})
	require.Less(t, s.join("e").Registration, far, "numbers that are far away change nothing")
}

// Heartbeats come while a host gets other numbers. All are accepted, and none is lost.
func TestNoHeartbeatIsLostWhileAHostIsRenumbered(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	s := r.Sharing()
	require.NoError(t, s.Begin(func() {}))
	ack, err := r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour})
	require.NoError(t, err)
	var writers sync.WaitGroup
	end := make(chan struct{})
	for w := range 3 {
		writers.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				before := time.Now()
				if _, err := r.Heartbeat("a", uint64(w%2)*ack.Incarnation); err != nil {
					t.Error(err)
					return
				}
				if h, ok := r.Get("a"); !ok || h.LastContact.Before(before.Add(-time.Millisecond)) {
					t.Errorf("a contact is lost: %v, %v before %v", ok, h.LastContact, before)
					return
				}
			}
		})
	}
	for i := range times(300, 20_000) {
		_, err := s.Reflect(hostOf("a", uint64(i+1), uint64(i+1)), shared.Reflection{Keeper: uint8(i % 2), Assigned: true})
		require.NoError(t, err)
	}
	close(end)
	writers.Wait()
	require.Equal(t, 1, r.Len())
	require.Empty(t, departures(r.Stats()))
}

// The table still has a registration that has ended here: the others are not told yet.
func TestReflectBringsNoRegistrationBackThatHasEndedHere(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.mirror("a")
	require.NoError(t, s.Leave(t.Context(), "a", 0))
	require.Equal(t, shared.Departed, s.reflect(hostOf("a", 7, 70), shared.Reflection{Keeper: 1}))
	require.True(t, s.gone("a"))
	require.Equal(t, shared.Reflected, s.reflect(hostOf("a", 8, 71), shared.Reflection{Keeper: 1}), "another registration")
	require.Equal(t, shared.Departed, s.reflect(hostOf("a", 7, 70), shared.Reflection{Keeper: 1}))
	require.Equal(t, uint64(71), s.get("a").Registration)
	s.Take(10, 10)
	require.Equal(t, shared.NewerHere, s.reflect(hostOf("a", 7, 70), shared.Reflection{Keeper: 1}), "the caller knows of the departure")
}

func TestReflectKeepsWhatWasAnnouncedHere(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "a", Incarnation: 7, Metadata: "own", Zone: "own", Interval: 5 * second})
	for _, registration := range []uint64{70, 70, 71} { // renumbered, updated, renumbered
		h := hostOf("a", 7, registration)
		s.reflect(h, shared.Reflection{Keeper: 1, KeepContent: true})
		got := s.get("a")
		require.Equal(t, []any{registration, "own", "own", 5 * second}, []any{got.Registration, got.Metadata, got.Zone, got.Interval})
	}
	s.reflect(hostOf("b", 7, 70), shared.Reflection{Keeper: 1, KeepContent: true})
	require.Equal(t, "data of b", s.get("b").Metadata, "it is not registered here")
}

package hostmgr_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

func TestHostIsThereFromAnnounceToLeave(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	ack := s.announce(hostmgr.Announcement[string]{
		ID: "a", Metadata: "m", Interval: 5 * second, Incarnation: 7, Zone: "z",
	})
	require.Equal(t, hostmgr.Ack{Interval: 5 * second, Incarnation: 7, Registration: ack.Registration}, ack)
	require.NotZero(t, ack.Registration)
	joined := s.clock.Now()
	s.clock.Advance(second)
	require.Equal(t, hostmgr.Host[string]{
		ID: "a", Metadata: "m", State: hostmgr.StateAlive, Interval: 5 * second, Incarnation: 7, Registration: ack.Registration, Zone: "z",
		Joined: joined, LastContact: joined,
		SuspectAt: joined.Add(7500 * time.Millisecond), EvictAt: joined.Add(10 * second),
	}, s.get("a"))
	require.NoError(t, s.Leave(context.Background(), "a", 7))
	require.Empty(t, s.ids())
	require.Zero(t, s.Len())
	require.ErrorIs(t, s.Leave(context.Background(), "a", 7), hostmgr.ErrUnknownHost)
}

func TestRefreshReplacesMetadataIntervalAndZone(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	first := s.join("a")
	s.clock.Advance(second)
	again := s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "new", Interval: 3 * second, Zone: "z"})
	require.Equal(t, first.Incarnation, again.Incarnation)
	h := s.get("a")
	require.Equal(t, "new", h.Metadata)
	require.Equal(t, 3*second, h.Interval)
	require.Equal(t, "z", h.Zone)
	require.Equal(t, first.Registration, h.Registration)
	require.Equal(t, s.clock.Now(), h.LastContact)
	require.Equal(t, second, h.LastContact.Sub(h.Joined))
}

func TestAShorterIntervalGivesAnEarlierDeadline(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour})
	s.Sweep(context.Background())
	s.join("a") // one second from now on
	require.Equal(t, 0, s.after(2*second).Evicted)
	require.Equal(t, 1, s.after(1).Evicted)
}

func TestObserveCountsFromTheTimeOfTheContact(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.clock.Advance(1900 * time.Millisecond)
	require.NoError(t, s.Observe("a", 0, 400*time.Millisecond))
	require.Equal(t, 400*time.Millisecond, s.clock.Now().Sub(s.get("a").LastContact))
	require.NoError(t, s.Observe("a", 0, time.Hour), "an older one changes nothing")
	require.Equal(t, 400*time.Millisecond, s.clock.Now().Sub(s.get("a").LastContact))
	require.NoError(t, s.Observe("a", 0, 0))
	require.Equal(t, s.clock.Now(), s.get("a").LastContact)
	require.ErrorIs(t, s.Observe("b", 0, 0), hostmgr.ErrUnknownHost)
	require.ErrorIs(t, s.Observe("a", 1, 0), hostmgr.ErrStale)
}

func TestForgetRemovesWithoutCleanup(t *testing.T) {
	var d cleanupLog
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup})
	s.join("a")
	require.NoError(t, s.Forget("a", 0))
	require.ErrorIs(t, s.Forget("a", 0), hostmgr.ErrUnknownHost)
	s.after(time.Hour)
	require.Empty(t, d.departures)
	require.Equal(t, uint64(1), s.Stats().Departures.Forgotten)
}

func TestZonesBeyondTheLimitAreCountedAsOther(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	zone := func(i int) string { return "zone " + time.Duration(i).String() }
	for i := range 70 {
		s.announce(hostmgr.Announcement[string]{ID: zone(i), Zone: zone(i), Interval: second})
	}
	require.Equal(t, zone(63), s.get(zone(63)).Zone)
	require.Equal(t, zone(64), s.get(zone(64)).Zone)
	require.Equal(t, 6, zoneStats(s, "other").Hosts)
	require.NoError(t, s.Leave(context.Background(), zone(0), 0))
	s.announce(hostmgr.Announcement[string]{ID: "late", Zone: "free again", Interval: second})
	require.Equal(t, "free again", s.get("late").Zone)
	require.Equal(t, 1, zoneStats(s, "free again").Hosts)
	for i := range 300 { // more than the number of zones
		s.announce(hostmgr.Announcement[string]{ID: zone(1), Zone: zone(1000 + i), Interval: second})
		require.Equal(t, zone(1000+i), s.get(zone(1)).Zone)
		require.Equal(t, zone(2), s.get(zone(2)).Zone)
	}
}

func TestNamesOfStatesAndKinds(t *testing.T) {
	require.Equal(t, "suspect", hostmgr.StateSuspect.String())
	require.Equal(t, "synced", hostmgr.EventSynced.String())
	require.Equal(t, "unknown(99)", hostmgr.EventKind(99).String())
}

func TestHeartbeatGetAndIdleSweepAllocateNothing(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 2000 {
		s.join(time.Duration(i).String())
	}
	for what, f := range map[string]func(){
		"Heartbeat": func() { _, _ = s.Heartbeat("7ns", 0) },
		"Get":       func() { _, _ = s.Get("7ns") },
		"Sweep":     func() { s.Sweep(context.Background()) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), what)
	}
}

func TestAZoneIsFreeAfterItsLastHostLeft(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 64 {
		id := time.Duration(i).String()
		s.announce(hostmgr.Announcement[string]{ID: id, Zone: id})
	}
	s.announce(hostmgr.Announcement[string]{ID: "7ns", Zone: "moved"})
	require.Equal(t, "moved", s.get("7ns").Zone)
	s.announce(hostmgr.Announcement[string]{ID: "7ns", Zone: "reborn", Incarnation: s.get("7ns").Incarnation + 1})
	require.Equal(t, "reborn", s.get("7ns").Zone)
}

func TestARegistryWorksForMoreThan73Years(t *testing.T) {
	mock := clock.NewMock() // starts in 1970
	r, err := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	require.NoError(t, err)
	mock.Set(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
	require.NoError(t, err)
	mock.Add(2*second + 1)
	require.Equal(t, 1, r.Sweep(context.Background()).Evicted)
}

func TestRunGCIsASweep(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.clock.Advance(2*second + 1)
	require.NoError(t, s.RunGC(context.Background()))
	require.True(t, s.gone("a"))
}

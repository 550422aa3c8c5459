package hostmgr_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// watchKinds does f when the watcher is synced, and returns the kinds of the events up to the
// departure of host "last".
func watchKinds(s *script, f func(), kinds ...hostmgr.EventKind) (got []hostmgr.EventKind, missed uint64) {
	s.join("last")
	synced := false
	for e := range s.Watch(context.Background(), kinds...) {
		got = append(got, e.Kind)
		missed += e.Missed
		switch {
		case e.Kind == hostmgr.EventSynced && !synced:
			synced = true
			f()
			require.NoError(s.t, s.Forget("last", 0))
		case e.Kind == hostmgr.EventDeparted && e.Host.ID == "last":
			return got, missed
		}
	}
	return got, missed
}

func TestAWatcherGetsTheKindsThatItWants(t *testing.T) {
	const joined, updated, suspected, recovered, departed, synced = hostmgr.EventJoined, hostmgr.EventUpdated,
		hostmgr.EventSuspected, hostmgr.EventRecovered, hostmgr.EventDeparted, hostmgr.EventSynced
	for _, c := range []struct{ wants, gets []hostmgr.EventKind }{
		{nil, []hostmgr.EventKind{joined, synced, updated, joined, suspected, recovered, departed}},
		{[]hostmgr.EventKind{departed}, []hostmgr.EventKind{synced, departed}},
		{[]hostmgr.EventKind{joined, departed}, []hostmgr.EventKind{joined, synced, joined, departed}},
		{[]hostmgr.EventKind{suspected, recovered, departed}, []hostmgr.EventKind{synced, suspected, recovered, departed}},
	} {
		s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(3)})
		got, missed := watchKinds(s, func() {
			s.join("last")
			s.announce(hostmgr.Announcement[string]{ID: "other", Interval: second})
			s.clock.Advance(second)
			s.heartbeat("last")
			s.after(second * 19 / 10)
			s.heartbeat("other")
		}, c.wants...)
		require.Equal(t, c.gets, got)
		require.Zero(t, missed)
	}
}

// 150,000 updates come with each departure: see kubernetes/kubernetes#29772. A watcher that wants
// departures gets them all.
func TestUpdatesDoNotPushOutDepartures(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	const departures = 1000
	got, missed := watchKinds(s, func() {
		for i := range departures {
			id := strconv.Itoa(i)
			for range 20 {
				s.join(id)
			}
			require.NoError(t, s.Leave(context.Background(), id, 0))
		}
	}, hostmgr.EventDeparted)
	require.Zero(t, missed)
	require.Len(t, got, departures+2)
}

// A watcher without a snapshot that falls behind is told so, and goes on without one.
func TestAWatcherOfDeparturesThatFallsBehind(t *testing.T) {
	const departures = 5000
	s := newScript(t, hostmgr.Config[string]{})
	s.join("stays")
	var got []hostmgr.EventKind
	missed := uint64(0)
	for e := range s.Watch(context.Background(), hostmgr.EventDeparted) {
		missed += e.Missed
		if got = append(got, e.Kind); e.Kind == hostmgr.EventDeparted {
			break
		}
		if e.Kind != hostmgr.EventSynced {
			continue
		}
		n := departures
		if missed > 0 {
			n = 1
		}
		for i := range n {
			s.join(strconv.Itoa(i))
			require.NoError(t, s.Leave(context.Background(), strconv.Itoa(i), 0))
		}
	}
	require.Equal(t, []hostmgr.EventKind{hostmgr.EventSynced, hostmgr.EventMissed, hostmgr.EventSynced, hostmgr.EventDeparted}, got)
	require.EqualValues(t, departures, missed)
}

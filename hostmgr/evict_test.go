package hostmgr_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A health check has failed for a host that sends heartbeats. Its departure says why, to the
// cleanup and to watchers, and the host may come back.
func TestEvictIsTheEmbeddersJudgement(t *testing.T) {
	var d cleanupLog
	var record bytes.Buffer
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup, Recorder: &record})
	first := s.join("a")
	s.clock.Advance(second / 2)
	var seen *hostmgr.Departure[string]
	for e := range s.Watch(t.Context()) {
		if e.Kind == hostmgr.EventSynced {
			require.NoError(t, s.Evict(t.Context(), "a", first.Incarnation, `disk is "dead"`))
		}
		if seen = e.Departure; seen != nil {
			break
		}
	}
	require.True(t, s.gone("a"))
	require.Len(t, d.departures, 1)
	for _, d := range []hostmgr.Departure[string]{d.departures[0], *seen} {
		require.Equal(t, hostmgr.DepartureEvicted, d.Kind)
		require.Equal(t, `disk is "dead"`, d.Judgement)
		require.Equal(t, second/2, d.Silence)
		require.Equal(t, `evicted by the embedder: disk is "dead"; silent for 500ms, timeout 2s at an interval of 1s`, d.Reason())
		require.Equal(t, first.Registration, d.Host.Registration)
		require.Equal(t, s.clock.Now(), d.At)
	}
	s.Sweep(t.Context())
	require.Contains(t, record.String(), `judgement="disk is \"dead\"";`)

	st := s.Stats()
	require.EqualValues(t, 1, st.Departures.Evicted)
	require.Zero(t, st.Latency.Detection.Count)
	require.EqualValues(t, 1, st.Latency.CleanupAfterEviction.Count)
	require.Zero(t, st.Latency.CleanupAfterEviction.Max)
	_, err := s.Heartbeat("a", 0)
	require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
	s.announce(hostmgr.Announcement[string]{ID: "a", Incarnation: first.Incarnation, Interval: second})
	require.EqualValues(t, 1, s.Stats().RejoinedAfterEviction)
	require.Equal(t, 1, s.get("a").Evictions)
	s.after(minute)
	require.Len(t, d.departures, 2)
	require.Empty(t, d.departures[1].Judgement)
	require.True(t, strings.HasPrefix(d.departures[1].Reason(), "silent for 1m0s"), d.departures[1].Reason())
}

func TestEvictReturnsTheErrorsOfLeave(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errNotNow }})
	evict := func(incarnation uint64, reason string) error { return s.Evict(t.Context(), "a", incarnation, reason) }
	require.ErrorIs(t, evict(0, "dead"), hostmgr.ErrUnknownHost)
	s.announce(hostmgr.Announcement[string]{ID: "a", Incarnation: 5})
	require.ErrorIs(t, evict(4, "dead"), hostmgr.ErrStale)
	require.ErrorIs(t, evict(6, "dead"), hostmgr.ErrUnknownHost)
	require.ErrorIs(t, evict(5, ""), hostmgr.ErrInvalid)
	require.ErrorIs(t, evict(5, strings.Repeat("x", 1025)), hostmgr.ErrInvalid)
	require.Equal(t, 1, s.Len())
	err := evict(5, strings.Repeat("x", 1024))
	require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
	require.ErrorIs(t, err, errNotNow)
	require.Zero(t, s.Len())
}

// Half of the hosts are evicted by the embedder: the eviction limit does not slow that down, and
// does not count them as missing. Confirm is not asked, and the shadow sees no eviction of its own.
func TestNoBrakeAppliesToEvict(t *testing.T) {
	asked := 0
	s := newScript(t, hostmgr.Config[string]{
		EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1}, Shadow: hostmgr.Fixed(3),
		Confirm: func(_ context.Context, h []hostmgr.Host[string]) ([]hostmgr.Host[string], error) {
			asked++
			return h, nil
		},
	})
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	for _, id := range ids {
		s.join(id)
	}
	for _, id := range ids[:5] {
		require.NoError(t, s.Evict(t.Context(), id, 0, "drained"))
	}
	require.Zero(t, asked)
	s.clock.Advance(1800 * time.Millisecond)
	for _, id := range ids[6:] {
		s.heartbeat(id)
	}
	require.Equal(t, 1, s.after(second).Evicted, "a single missing host of five: with the others there would be a limit")
	for range 4 {
		for _, id := range ids[6:] {
			s.heartbeat(id)
		}
		s.after(second)
	}
	for range 400 {
		for _, id := range ids[6:] {
			s.heartbeat(id)
		}
		s.after(second)
	}
	require.EqualValues(t, 1, s.Stats().Shadow.Evictions, "of the one that was silent")
	require.EqualValues(t, 6, s.Stats().Departures.Evicted)
	require.Zero(t, s.Stats().Hold)
}

// A host that is due, and held, is evicted at once. Its evidence has both reasons.
func TestEvictEndsAHold(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1}})
	for _, id := range []string{"a", "b", "c"} {
		s.join(id)
	}
	s.after(3 * second)
	s.after(second)
	require.Equal(t, 3, s.Stats().Held)
	var seen *hostmgr.Departure[string]
	for e := range s.Watch(t.Context()) {
		if e.Kind == hostmgr.EventSynced {
			require.NoError(t, s.Evict(t.Context(), "b", 0, "it was sold"))
		}
		if seen = e.Departure; seen != nil {
			break
		}
	}
	require.Equal(t, 2, s.Stats().Held)
	require.Equal(t, 2, s.Stats().Suspects)
	require.Contains(t, seen.Reason(), "evicted by the embedder: it was sold; silent for 4s")
	require.Contains(t, seen.Reason(), "; held for 1s: ")
}

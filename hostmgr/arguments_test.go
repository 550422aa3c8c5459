package hostmgr_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A scheduler whose clock is ahead reports contacts of a dead host that lie in the future. They do
// not keep the host alive.
func TestAContactInTheFutureIsRefused(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	before := s.get("a")
	for range 20 {
		for _, age := range []time.Duration{-1, -second, math.MinInt64} {
			require.ErrorIs(t, s.Observe("a", 0, age), hostmgr.ErrInvalid)
			require.ErrorIs(t, s.Observe("unknown", 0, age), hostmgr.ErrInvalid)
		}
		require.Equal(t, before.LastContact, s.get("a").LastContact)
		s.clock.Advance(second / 10)
	}
	require.Equal(t, 1, s.after(1).Evicted)
}

// A contact of before the registry was made is older than any that it knows.
func TestAContactOfLongAgoChangesNothing(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.clock.Advance(second)
	s.heartbeat("a")
	before := s.get("a")
	for _, age := range []time.Duration{time.Hour, math.MaxInt64} {
		require.NoError(t, s.Observe("a", 0, age))
		require.Equal(t, before, s.get("a"))
	}
}

// Names are bytes, and numbers may be as large as they can: nothing is bent on the way through a
// snapshot, a watcher and Restore.
func TestOddNamesAndNumbersAreKept(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	names := []string{"\x00", "\x00\x00", "\xff\xfe", "a\nb", "\u2028", "\U0010ffff", " ", "other"}
	for i, name := range names {
		s.announce(hostmgr.Announcement[string]{ID: name, Zone: name, Metadata: name, Incarnation: math.MaxUint64 - uint64(i)})
	}
	restored := newScript(t, hostmgr.Config[string]{})
	n, err := restored.Restore(s.All())
	require.NoError(t, err)
	require.Equal(t, len(names), n)
	for _, s := range []*script{s, restored} {
		for e := range s.Watch(t.Context()) {
			if e.Kind == hostmgr.EventSynced {
				break
			}
			require.Equal(t, s.get(e.Host.ID), e.Host)
		}
		for i, name := range names {
			h := s.get(name)
			require.Equal(t, name, h.ID)
			require.Equal(t, name, h.Zone)
			require.Equal(t, name, h.Metadata)
			require.Equal(t, math.MaxUint64-uint64(i), h.Incarnation)
			_, err := s.Announce(hostmgr.Announcement[string]{ID: name, Incarnation: math.MaxUint64 - uint64(i) - 1})
			require.ErrorIs(t, err, hostmgr.ErrStale)
		}
	}
}

// A nil context never ends. Above all, no call does half of its work and panics.
func TestANilContextNeverEnds(t *testing.T) {
	var none context.Context
	log := &cleanupLog{}
	s := newScript(t, hostmgr.Config[string]{Cleanup: log.cleanup})
	s.join("a")
	s.join("b")
	require.NoError(t, s.Leave(none, "a", 0))
	require.Len(t, log.departures, 1)
	s.clock.Advance(2*second + 1)
	require.Equal(t, 1, s.Sweep(none).Evicted)
	require.NoError(t, s.RunGC(none))
	for e := range s.Watch(none) {
		require.Equal(t, hostmgr.EventSynced, e.Kind)
		break
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r, err := hostmgr.New(hostmgr.Config[string]{})
		require.NoError(t, err)
		go r.Run(ctx) //nolint:errcheck // the test is about the other one
		synctest.Wait()
		require.ErrorIs(t, r.Run(none), hostmgr.ErrRunning)
		stop()
	})
}

package hostmgr_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func refuseAll(context.Context, hosts) (hosts, error) { return nil, nil }

// The clock of a host went back, so its new process has a lower incarnation. Confirm probes the
// address, finds the new process, and holds the old registration. Still the new process is let in
// (scylladb/scylladb#5164).
func TestAHostWhoseClockWentBackIsLetIn(t *testing.T) {
	for name, confirm := range map[string]func(context.Context, hosts) (hosts, error){
		"refuses": refuseAll,
		"fails":   func(context.Context, hosts) (hosts, error) { return nil, errNotNow },
		"none":    nil,
	} {
		t.Run(name, func(t *testing.T) {
			var d cleanupLog
			s := newScript(t, hostmgr.Config[string]{Confirm: confirm, Cleanup: d.cleanup})
			require.NoError(t, s.as(9))
			tries := 0
			for s.as(4) != nil {
				tries++
				require.ErrorIs(t, s.as(4), hostmgr.ErrStale)
				require.Less(t, tries, 10, "after its timeout of 2 s")
				s.after(second / 2)
				s.clock.Advance(1)
			}
			require.Equal(t, 4, tries)
			require.EqualValues(t, 4, s.get("a").Incarnation)
			require.EqualValues(t, 1, s.Stats().Departures.Evicted)
			require.EqualValues(t, 1, s.Stats().RejoinedAfterEviction)
			require.Zero(t, s.Stats().Held)
			s.after(0)
			require.Len(t, d.departures, 1)
			gone := d.departures[0]
			require.Equal(t, hostmgr.DepartureEvicted, gone.Kind)
			require.Less(t, gone.Silence, 2501*time.Millisecond)
			if confirm != nil {
				require.Contains(t, gone.Reason(), "Confirm")
			}
		})
	}
}

// An old announce does not evict a host that the eviction limit holds, that is not due, or that
// Confirm was not asked about.
func TestAnOldAnnounceEndsOnlyAHoldByConfirm(t *testing.T) {
	s := newLimited(t, 4, hostmgr.Config[string]{Confirm: refuseAll})
	require.NoError(t, s.as(9))
	s.clock.Advance(2*second + 1)
	require.ErrorIs(t, s.as(4), hostmgr.ErrStale, "no sweep has found it due")
	for held := time.Duration(0); held <= 59*second; held += second {
		s.after(0)
		require.ErrorIs(t, s.as(4), hostmgr.ErrStale, "held by the limit for %v", held)
		s.clock.Advance(second)
	}
	s.after(second + 1)
	require.NoError(t, s.as(4), "after MaxHold")

	s = newScript(t, hostmgr.Config[string]{Confirm: refuseAll})
	require.NoError(t, s.as(9))
	s.after(2*second + 1)
	s.heartbeat("a")
	require.ErrorIs(t, s.as(4), hostmgr.ErrStale, "it is alive")
	s.after(2*second + 1)
	require.NoError(t, s.Leave(context.Background(), "a", 9))
	require.ErrorIs(t, s.as(4), hostmgr.ErrStale, "it has left")
}

// A Confirm that hangs does not keep the new process out for ever.
func TestAConfirmThatDoesNotAnswerKeepsNoHostOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{Confirm: func(context.Context, hosts) (hosts, error) {
			<-open
			return nil, nil
		}})
		require.NoError(t, err)
		stop := run(t, r)
		announce := func(incarnation uint64) error {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: incarnation})
			return err
		}
		require.NoError(t, announce(9))
		began := time.Now()
		for announce(4) != nil {
			require.Less(t, time.Since(began), 6*time.Minute)
			time.Sleep(second)
		}
		require.EqualValues(t, 1, r.Stats().Departures.Evicted)
		close(open)
		stop()
	})
}

// A heartbeat at the moment of the old announce either saves the registration, or is told that it
// has ended.
func TestAHeartbeatSavesAHostFromAnOldAnnounce(t *testing.T) {
	saved, ended := 0, 0
	for range times(1000, 50_000) {
		s := newScript(t, hostmgr.Config[string]{Confirm: refuseAll})
		require.NoError(t, s.as(9))
		s.after(2*second + 1)
		var heartbeat, announce error
		var wg sync.WaitGroup
		wg.Go(func() { _, heartbeat = s.Heartbeat("a", 9) })
		wg.Go(func() { announce = s.as(4) })
		wg.Wait()
		switch h := s.get("a"); {
		case heartbeat == nil && h.Incarnation == 9 && errors.Is(announce, hostmgr.ErrStale):
			saved++
		case errors.Is(heartbeat, hostmgr.ErrUnknownHost) && h.Incarnation == 4 && announce == nil:
			ended++
		default:
			require.Fail(t, "neither", "%v, %v, %+v", heartbeat, announce, h)
		}
	}
	t.Log(saved, "saved,", ended, "ended")
}

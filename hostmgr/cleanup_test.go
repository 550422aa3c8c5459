package hostmgr_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

var errNotNow = errors.New("not now")

func TestRetriesBackOff(t *testing.T) {
	var tries []time.Duration
	var s *script
	start := time.Time{}
	s = newScript(t, hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			tries = append(tries, s.clock.Now().Sub(start))
			require.Equal(t, len(tries), d.Attempt)
			if d.Attempt < 80 {
				return errNotNow
			}
			return nil
		},
	})
	s.join("a")
	start = s.clock.Now()
	require.Error(t, s.Leave(context.Background(), "a", 0))
	for {
		next, ok := s.Next()
		if !ok {
			break
		}
		s.after(next.Sub(s.clock.Now()))
	}
	longest := 100 * time.Millisecond
	for i := range tries[1:] {
		pause := tries[i+1] - tries[i]
		require.GreaterOrEqual(t, pause, longest/2, "try %d", i)
		require.LessOrEqual(t, pause, longest+time.Millisecond, "try %d", i)
		longest = min(2*longest, 30*second) // however often it failed
	}
	require.Equal(t, uint64(79), s.Stats().Cleanup.Failures)
}

func TestAReplacedHostIsCleanedButNotInsideAnnounce(t *testing.T) {
	var d cleanupLog
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup})
	ack := s.join("a")
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: ack.Incarnation + 1})
	require.Empty(t, d.departures)
	require.Equal(t, 1, s.after(0).Cleaned)
	require.Equal(t, hostmgr.DepartureReplaced, d.departures[0].Kind)
	require.Equal(t, ack.Incarnation, d.departures[0].Host.Incarnation)
}

func TestStatsShowTheOldestPendingCleanup(t *testing.T) {
	done := map[string]bool{"b": true}
	s := newScript(t, hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if !done[d.Host.ID] {
				return errNotNow
			}
			return nil
		},
	})
	var left []time.Time
	for _, id := range []string{"a", "b", "c"} {
		s.join(id)
		s.clock.Advance(time.Millisecond)
		left = append(left, s.clock.Now())
		require.Equal(t, !done[id], s.Leave(context.Background(), id, 0) != nil)
	}
	require.Equal(t, left[0], s.Stats().Cleanup.OldestPending)
	done["a"] = true
	s.after(second)
	require.Equal(t, left[2], s.Stats().Cleanup.OldestPending)
	require.Equal(t, 1, s.Stats().Cleanup.Pending)
	done["c"] = true
	s.after(second)
	require.Zero(t, s.Stats().Cleanup.OldestPending)
}

func TestRunRetriesInTimeWithoutAnotherWakeup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{
			StallThreshold: -1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				if d.Attempt < 4 {
					return errNotNow
				}
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a"})
		require.NoError(t, err)
		require.ErrorIs(t, r.Leave(t.Context(), "a", 0), errNotNow)
		for i, pause := range []time.Duration{100, 200, 400} {
			require.Equal(t, uint64(i+1), r.Stats().Cleanup.Failures)
			time.Sleep(pause * time.Millisecond)
			synctest.Wait()
		}
		require.Zero(t, r.Stats().Cleanup.Pending)
		stop()
	})
}

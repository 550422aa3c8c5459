package hostmgr_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

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
	var pauses []time.Duration
	for i := 1; i < len(tries); i++ {
		pauses = append(pauses, (tries[i]-tries[i-1]).Round(time.Millisecond)/time.Millisecond)
	}
	require.Equal(t, []time.Duration{100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600}, pauses[:9])
	require.Equal(t, slices.Repeat([]time.Duration{30000}, 70), pauses[9:], "however often it failed")
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

// A try by hand is under way when Run starts, and another cleanup of the same id queues behind it.
// Run has no other reason to wake, but does the second cleanup all the same.
func TestRunTakesOverAQueueThatWasBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var first uint64
		r, err := hostmgr.New(hostmgr.Config[string]{
			StallThreshold: -1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				if first == 0 {
					first = d.Host.Registration
				}
				if d.Host.Registration == first {
					<-gate
				}
				return nil
			},
		})
		require.NoError(t, err)
		var wg sync.WaitGroup
		leave := func() {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour})
			require.NoError(t, err)
			wg.Go(func() { _ = r.Leave(t.Context(), "a", 0) })
			synctest.Wait()
		}
		leave()
		stop := run(t, r)
		leave()
		start := time.Now()
		close(gate)
		wg.Wait()
		require.Zero(t, time.Since(start), "at once, not when Run happens to wake")
		require.Zero(t, r.Stats().Cleanup.Pending)
		stop()
	})
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

func TestASweepDoesAllCleanupsOfAnIDWhileTimePasses(t *testing.T) {
	var s *script
	s = newScript(t, hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error {
			s.clock.Advance(time.Millisecond)
			return nil
		},
	})
	for i := range 10 {
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour, Incarnation: uint64(i + 1)})
	}
	require.Equal(t, 9, s.Sweep(context.Background()).Cleaned)
	require.Zero(t, s.Stats().Cleanup.Pending)
}

// The first of two retries becomes due while the only worker is busy, so Run leaves both to the
// worker. The worker stops before the second is due, so Run must plan a wakeup for it.
func TestRunPlansARetryThatAWorkerLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{
			StallThreshold: -1, CleanupWorkers: 1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				switch {
				case d.Host.ID == "busy":
					time.Sleep(30 * time.Millisecond)
				case d.Attempt == 1:
					return errNotNow
				}
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		leave := func(id string) {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id})
			require.NoError(t, err)
			_ = r.Leave(t.Context(), id, 0)
		}
		leave("first") // its retry: after 100 ms
		time.Sleep(50 * time.Millisecond)
		leave("second") // after 150 ms
		time.Sleep(40 * time.Millisecond)
		leave("busy") // from 90 ms to 120 ms
		time.Sleep(40 * time.Millisecond)
		require.Zero(t, r.Stats().Cleanup.Pending)
		stop()
	})
}

// Cleanups failed at different times: each is retried when its own pause is over.
func TestASweepMakesTheRetriesThatAreDue(t *testing.T) {
	due := map[string]time.Time{}
	var s *script
	s = newScript(t, hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if d.Attempt == 1 {
				due[d.Host.ID] = s.clock.Now().Add(100 * time.Millisecond)
				return errNotNow
			}
			require.Equal(t, due[d.Host.ID], s.clock.Now())
			delete(due, d.Host.ID)
			return nil
		},
	})
	rnd := rand.New(rand.NewPCG(8, 9))
	for i := range 300 {
		if i < 200 {
			s.join(strconv.Itoa(i))
			require.Error(t, s.Leave(context.Background(), strconv.Itoa(i), 0))
		}
		for range rnd.IntN(4) {
			s.after(time.Millisecond)
		}
	}
	require.Empty(t, due)
	require.Zero(t, s.Stats().Cleanup.Pending)
}

// A departed host is released after its cleanup, although other cleanups, also of its id, still
// wait.
func TestADepartedHostIsReleasedAfterItsCleanup(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[*[1 << 10]byte]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[*[1 << 10]byte]) error {
			if d.Host.Incarnation == 2 {
				return errNotNow
			}
			return nil
		},
	})
	require.NoError(t, err)
	var remains []weak.Pointer[[1 << 10]byte]
	for i := range 10 {
		for incarnation := range uint64(3) { // a queue of two: the first succeeds, the second fails
			data := new([1 << 10]byte)
			if incarnation == 0 {
				remains = append(remains, weak.Make(data))
			}
			_, err := r.Announce(hostmgr.Announcement[*[1 << 10]byte]{
				ID: strconv.Itoa(i), Incarnation: incarnation + 1, Metadata: data, Interval: time.Hour,
			})
			require.NoError(t, err)
		}
		data := new([1 << 10]byte)
		remains = append(remains, weak.Make(data))
		_, err := r.Announce(hostmgr.Announcement[*[1 << 10]byte]{ID: "only " + strconv.Itoa(i), Incarnation: 1, Metadata: data})
		require.NoError(t, err)
		_ = r.Leave(t.Context(), "only "+strconv.Itoa(i), 0)
	}
	require.Equal(t, 10, r.Sweep(t.Context()).Cleaned)
	require.Equal(t, 10, r.Stats().Cleanup.Pending)
	runtime.GC()
	for _, p := range remains {
		require.True(t, p.Value() == nil)
	}
	runtime.KeepAlive(r)
}

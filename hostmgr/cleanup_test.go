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
	require.Equal(t, uint64(79), s.Stats().CleanupFailures)
}

func TestAReplacedHostIsCleanedButNotInsideAnnounce(t *testing.T) {
	var d diary
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup})
	lease := s.join("a")
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: lease.Incarnation + 1})
	require.Empty(t, d.departures)
	require.Equal(t, 1, s.after(0).Cleaned)
	require.Equal(t, hostmgr.Replaced, d.departures[0].Kind)
	require.Equal(t, lease.Incarnation, d.departures[0].Host.Incarnation)
}

// Thousands of cleanups that fail, panic or dawdle at random, and Runs that are
// cut off midway: in the end each life was cleaned up, and none after success.
func TestCleanupIsDoneInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 2000
		var mu sync.Mutex
		cleaned := map[uint64]int{}
		rnd := rand.New(rand.NewPCG(1, 2))
		r, err := hostmgr.New(hostmgr.Config[string]{
			Cleanup: func(ctx context.Context, d hostmgr.Departure[string]) error {
				mu.Lock()
				dice := rnd.IntN(10)
				mu.Unlock()
				switch {
				case dice < 3:
					return errNotNow
				case dice < 5:
					panic("oops")
				case dice < 6:
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(time.Minute):
					}
				}
				mu.Lock()
				defer mu.Unlock()
				cleaned[d.Host.Life]++
				return nil
			},
		})
		require.NoError(t, err)
		for i := range n {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i % (n / 2)), Interval: second, Incarnation: uint64(i + 1)})
			require.NoError(t, err)
		}
		for rounds := 0; r.Len() > 0 || r.Stats().CleanupPending > 0; rounds++ {
			stop := run(t, r)
			time.Sleep(20 * second)
			stop()
			require.Less(t, rounds, 1000)
		}
		require.Len(t, cleaned, n)
		for life, times := range cleaned {
			require.Equal(t, 1, times, life)
		}
	})
}

// A try by hand is under way when Run starts, and another cleanup joins its lane:
// with no other reason to wake, Run has it done all the same.
func TestRunTakesOverALaneThatWasBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{
			MaxGap: -1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				if d.Host.Life == 1 {
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
		require.Zero(t, r.Stats().CleanupPending)
		stop()
	})
}

func TestRunRetriesInTimeThoughNothingElseWakesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{
			MaxGap: -1,
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
			require.Equal(t, uint64(i+1), r.Stats().CleanupFailures)
			time.Sleep(pause * time.Millisecond)
			synctest.Wait()
		}
		require.Zero(t, r.Stats().CleanupPending)
		stop()
	})
}

func TestASweepDoesAllCleanupsOfAnIDHoweverTimePasses(t *testing.T) {
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
	require.Zero(t, s.Stats().CleanupPending)
}

// While the one worker is busy the first of two retries becomes due, so Run leaves both to the
// worker. It finds the second not due yet when it goes: then Run must plan for it.
func TestRunPlansForWhatAWorkerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{
			MaxGap: -1, CleanupWorkers: 1,
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
		require.Zero(t, r.Stats().CleanupPending)
		stop()
	})
}

// Cleanups failed at odd times: each is retried when its pause is over, whatever the others'.
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
	require.Zero(t, s.Stats().CleanupPending)
}

// What is cleaned up is kept no longer, though cleanups of others, or of its id, wait still.
func TestWhatIsCleanedUpIsKeptNoLonger(t *testing.T) {
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
		for incarnation := range uint64(3) { // a lane of two: the first succeeds, the second does not
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
	require.Equal(t, 10, r.Stats().CleanupPending)
	runtime.GC()
	for _, p := range remains {
		require.True(t, p.Value() == nil)
	}
	runtime.KeepAlive(r)
}

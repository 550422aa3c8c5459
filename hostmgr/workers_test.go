package hostmgr_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// One sweep evicts sixteen hosts. Eight workers clean them up at once, although nothing else
// happens that could start a worker.
func TestCleanupsOfAMassDepartureRunInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var done []time.Duration
		r, err := hostmgr.New(hostmgr.Config[string]{
			StallThreshold: -1, CleanupWorkers: 8,
			Cleanup: func(context.Context, hostmgr.Departure[string]) error {
				time.Sleep(second)
				mu.Lock()
				defer mu.Unlock()
				done = append(done, time.Since(start))
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 16 {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: second})
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		stop()
		require.Len(t, done, 16)
		require.Equal(t, 3*second+1, done[7])
		require.Equal(t, 4*second+1, done[15])
	})
}

// A watcher changes the departure of an event, against the advice, before the cleanup is retried.
func TestAWatcherCannotChangeWhatACleanupGets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		r, err := hostmgr.New(hostmgr.Config[string]{
			StallThreshold: -1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				got = append(got, d.Host.ID)
				if d.Attempt == 1 {
					return errNotNow
				}
				return nil
			},
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for e := range r.Watch(ctx) {
				if e.Departure != nil {
					e.Departure.Host.ID = "another"
				}
			}
		}()
		synctest.Wait()
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a"})
		require.NoError(t, err)
		require.ErrorIs(t, r.Leave(ctx, "a", 0), hostmgr.ErrCleanupPending)
		synctest.Wait()
		time.Sleep(second)
		r.Sweep(ctx)
		require.Equal(t, []string{"a", "a"}, got)
		cancel()
		synctest.Wait()
	})
}

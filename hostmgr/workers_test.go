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

package hostmgr_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// hangers returns a Cleanup that hangs, and ignores its context, for hosts whose id begins with
// "hangs", until open is called.
func hangers() (cleanup func(context.Context, hostmgr.Departure[string]) error, open func()) {
	hang := make(chan struct{})
	return func(_ context.Context, d hostmgr.Departure[string]) error {
		if strings.HasPrefix(d.Host.ID, "hangs") {
			<-hang
		}
		return nil
	}, func() { close(hang) }
}

// lockedLogs is logs for tests that read the lines while the logger may write.
func lockedLogs() (*slog.Logger, *safeText) {
	l := &safeText{}
	return slog.New(slog.NewTextHandler(l, nil)), l
}

func join(t *testing.T, r *hostmgr.Registry[string], id string) {
	t.Helper()
	_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: second})
	require.NoError(t, err)
}

// Eight cleanups hang for good, as many as there are workers. The others are done all the same, and
// Stats and the log show what hangs while it hangs (osparc-simcore#4067).
func TestHungCleanupsHoldUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cleanup, open := hangers()
		logger, lines := lockedLogs()
		r, err := hostmgr.New(hostmgr.Config[string]{Cleanup: cleanup, Logger: logger, Policy: hostmgr.Tiered{}})
		require.NoError(t, err)
		stop := run(t, r)
		var left time.Time
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for i := range 108 {
			id := strconv.Itoa(i)
			if i < 8 {
				id = "hangs " + id
			}
			join(t, r, id)
			left = time.Now()
			require.ErrorIs(t, r.Leave(ctx, id, 0), hostmgr.ErrCleanupPending)
		}
		time.Sleep(29 * second)
		s := r.Stats().Cleanup
		require.Equal(t, 108, s.Pending)
		require.Equal(t, 8, s.Running)
		require.Equal(t, left, s.OldestRunning)
		time.Sleep(second)
		synctest.Wait()
		require.EqualValues(t, 8, r.Stats().Cleanup.Timeouts)
		require.Contains(t, lines.String(), "cleanup exceeds its time limit")
		time.Sleep(10 * second)
		synctest.Wait()
		s = r.Stats().Cleanup
		require.Equal(t, 8, s.Pending)
		require.Equal(t, 8, s.Running)
		require.Equal(t, 8, s.LeftBehind)
		require.Equal(t, left, s.OldestRunning)
		require.Contains(t, lines.String(), "left behind")
		open()
		synctest.Wait()
		s = r.Stats().Cleanup
		require.Zero(t, s.Pending)
		require.Zero(t, s.Running)
		require.Zero(t, s.OldestRunning)
		require.Zero(t, s.LeftBehind)
		stop()
	})
}

// The cleanups of a thousand hosts hang, one after the other. Each keeps a worker for 40 s, and not
// for good.
func TestManyHungCleanupsHoldUpOthersForABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cleanup, open := hangers()
		r, err := hostmgr.New(hostmgr.Config[string]{Cleanup: cleanup, CleanupWorkers: 10, CleanupTimeout: second})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 1000 {
			join(t, r, "hangs "+strconv.Itoa(i))
		}
		time.Sleep(3 * second)
		join(t, r, "a")
		start := time.Now()
		require.NoError(t, r.Leave(t.Context(), "a", 0))
		require.LessOrEqual(t, time.Since(start), 1000/10*11*second)
		require.Equal(t, 1000, r.Stats().Cleanup.LeftBehind)
		open()
		synctest.Wait()
		require.Zero(t, r.Stats().Cleanup.Pending)
		stop()
	})
}

// Without Run a cleanup that ignores its context keeps Sweep for the limit and 10 s, and Leave for
// 10 s after its context. The registry goes on without it.
func TestSweepAndLeaveAreNotHeldUpByAHungCleanup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cleanup, open := hangers()
		r, err := hostmgr.New(hostmgr.Config[string]{Cleanup: cleanup, CleanupTimeout: 5 * second})
		require.NoError(t, err)
		join(t, r, "hangs")
		join(t, r, "a")
		time.Sleep(3 * second)
		start := time.Now()
		rep := r.Sweep(t.Context())
		require.Equal(t, 2, rep.Evicted)
		require.Equal(t, 1, rep.Cleaned)
		require.Equal(t, 15*second, time.Since(start))
		require.Equal(t, 1, r.Stats().Cleanup.LeftBehind)

		join(t, r, "hangs") // its next registration
		err = r.Leave(t.Context(), "hangs", 0)
		require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
		require.ErrorContains(t, err, "left behind")
		require.Equal(t, 15*second, time.Since(start), "it does not wait for what was left behind")

		join(t, r, "hangs too")
		ctx, cancel := context.WithTimeout(t.Context(), second)
		defer cancel()
		require.ErrorContains(t, r.Leave(ctx, "hangs too", 0), "left behind")
		require.Equal(t, 26*second, time.Since(start))
		open()
		synctest.Wait()
		require.Equal(t, 1, r.Sweep(t.Context()).Cleaned)
		require.Zero(t, r.Stats().Cleanup.Pending)
	})
}

// Run ends although cleanups ignore its end, and the next Run goes on without them.
func TestRunLeavesAHungCleanupBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cleanup, open := hangers()
		r, err := hostmgr.New(hostmgr.Config[string]{Cleanup: cleanup, CleanupWorkers: 1})
		require.NoError(t, err)
		for i := range 3 {
			stop := run(t, r)
			join(t, r, "hangs "+strconv.Itoa(i))
			time.Sleep(4 * second)
			start := time.Now()
			stop()
			require.Equal(t, 10*second, time.Since(start))
			require.Equal(t, i+1, r.Stats().Cleanup.LeftBehind)
		}
		stop := run(t, r)
		join(t, r, "a")
		require.NoError(t, r.Leave(t.Context(), "a", 0))
		open()
		synctest.Wait()
		require.Zero(t, r.Stats().Cleanup.Pending)
		stop()
	})
}

// At the limit the context says why it ended.
func TestTheContextOfACleanupEndsAtItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took []time.Duration
		r, err := hostmgr.New(hostmgr.Config[string]{
			CleanupTimeout: 7 * second,
			Cleanup: func(ctx context.Context, _ hostmgr.Departure[string]) error {
				start := time.Now()
				<-ctx.Done()
				took = append(took, time.Since(start))
				return context.Cause(ctx)
			},
		})
		require.NoError(t, err)
		join(t, r, "a")
		err = r.Leave(t.Context(), "a", 0)
		require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		stop := run(t, r)
		time.Sleep(8 * second)
		stop()
		require.Equal(t, []time.Duration{7 * second, 7 * second}, took[:2])
		require.EqualValues(t, 2, r.Stats().Cleanup.Timeouts)
		require.EqualValues(t, len(took), r.Stats().Cleanup.Failures)
	})
}

func TestANegativeCleanupTimeoutIsInvalid(t *testing.T) {
	_, err := hostmgr.New(hostmgr.Config[string]{CleanupTimeout: -1})
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
	require.ErrorContains(t, err, "CleanupTimeout")
}

// The cleanup of one host never succeeds, and the host joins and leaves again and again. At most 16
// of its cleanups are pending; the oldest are given up, counted and logged.
func TestPendingCleanupsOfOneHostAreBounded(t *testing.T) {
	for _, driver := range []string{"Run", "Sweep"} {
		t.Run(driver, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logger, lines := lockedLogs()
				var succeed atomic.Bool
				var mu sync.Mutex // guards cleaned
				var cleaned []string
				r, err := hostmgr.New(hostmgr.Config[string]{
					Logger: logger,
					Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
						if !succeed.Load() {
							return errNotNow
						}
						mu.Lock()
						defer mu.Unlock()
						cleaned = append(cleaned, d.Host.Metadata)
						return nil
					},
				})
				require.NoError(t, err)
				if driver == "Run" {
					defer run(t, r)()
				}
				for i := range 2000 {
					_, err := r.Announce(hostmgr.Announcement[string]{ID: "a", Metadata: strconv.Itoa(i), Interval: time.Hour})
					require.NoError(t, err)
					require.ErrorIs(t, r.Leave(t.Context(), "a", 0), hostmgr.ErrCleanupPending)
					require.LessOrEqual(t, r.Stats().Cleanup.Pending, 16)
					time.Sleep(time.Millisecond)
				}
				require.EqualValues(t, 1984, r.Stats().Cleanup.GivenUp)
				synctest.Wait()
				require.Contains(t, lines.String(), "cleanup is given up")
				succeed.Store(true)
				time.Sleep(time.Minute)
				r.Sweep(t.Context())
				synctest.Wait()
				require.Zero(t, r.Stats().Cleanup.Pending)
				mu.Lock()
				defer mu.Unlock()
				var latest []string
				for i := range 16 {
					latest = append(latest, strconv.Itoa(1984+i))
				}
				require.Equal(t, latest, cleaned)
			})
		})
	}
}

// A Leave waits for its cleanup, which is given up: Leave says so.
func TestALeaveTellsThatItsCleanupWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open, tries := make(chan struct{}), 0
		r, err := hostmgr.New(hostmgr.Config[string]{
			CleanupTimeout: time.Hour,
			Cleanup: func(context.Context, hostmgr.Departure[string]) error {
				if tries++; tries == 1 {
					return errNotNow
				}
				<-open
				return nil
			},
		})
		require.NoError(t, err)
		defer run(t, r)()
		join(t, r, "a")
		require.ErrorIs(t, r.Leave(t.Context(), "a", 0), errNotNow)
		time.Sleep(second) // the second try is running
		errs := make(chan error, 16)
		for range 16 {
			join(t, r, "a")
			go func() { errs <- r.Leave(t.Context(), "a", 0) }()
			synctest.Wait()
		}
		err = <-errs
		require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
		require.ErrorContains(t, err, "given up")
		require.Equal(t, 16, r.Stats().Cleanup.Pending)
		close(open)
		synctest.Wait()
		for range 15 {
			require.NoError(t, <-errs)
		}
	})
}

// A database is down for ten minutes, and thousands of hosts are dead. After the first tries, the
// retries do not come in bursts (influxdata/influxdb#1896).
func TestRetriesOfAMassDepartureAreSpreadOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		many := times(3_000, 10_000)
		bySecond := map[int64]int{}
		retries := 0
		ready := make(chan struct{}, 1)
		ready <- struct{}{}
		r, err := hostmgr.New(hostmgr.Config[string]{
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				<-ready
				defer func() { ready <- struct{}{} }()
				if d.Attempt > 4 {
					bySecond[time.Now().Unix()]++
					retries++
				}
				return errNotNow
			},
		})
		require.NoError(t, err)
		for i := range many {
			join(t, r, strconv.Itoa(i))
		}
		stop := run(t, r)
		time.Sleep(10 * time.Minute)
		stop()
		require.Greater(t, retries, 20*many)
		for at, n := range bySecond {
			require.Less(t, n, retries/25, fmt.Sprint("second ", at))
		}
	})
}

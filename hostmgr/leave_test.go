package hostmgr_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func TestLeaveReportsItsCleanup(t *testing.T) {
	fail := true
	s := newScript(t, hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error {
			if fail {
				return errNotNow
			}
			return nil
		},
	})
	s.join("a")
	err := s.Leave(context.Background(), "a", 0)
	require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
	require.ErrorIs(t, err, errNotNow)
	require.True(t, s.gone("a"), "it is gone all the same")
	require.Equal(t, 1, s.Stats().Cleanup.Pending)

	s.join("a") // the cleanup of its next registration has to wait
	err = s.Leave(context.Background(), "a", 0)
	require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
	require.ErrorContains(t, err, "earlier registration")

	fail = false
	s.join("b")
	require.NoError(t, s.Leave(context.Background(), "b", 0))
	require.Equal(t, 2, s.after(100*time.Millisecond).Cleaned)
	require.Zero(t, s.Stats().Cleanup.Pending)
}

func TestALeaveWithoutTimeLeavesItsCleanupToTheNextSweep(t *testing.T) {
	var d cleanupLog
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup})
	s.join("a")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := s.Leave(ctx, "a", 0)
	require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, d.departures)
	require.Zero(t, s.Sweep(ctx).Cleaned)
	next, ok := s.Next()
	require.True(t, ok)
	require.False(t, next.After(s.clock.Now()), "there is work")
	require.Equal(t, 1, s.after(0).Cleaned)
}

func TestUnderRunLeaveWaitsForTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d cleanupLog
		r, err := hostmgr.New(hostmgr.Config[string]{
			CleanupWorkers: 1,
			Cleanup: func(ctx context.Context, dep hostmgr.Departure[string]) error {
				time.Sleep(second)
				return d.cleanup(ctx, dep)
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		defer stop()
		for _, id := range []string{"a", "b", "c"} {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id})
			require.NoError(t, err)
		}
		start := time.Now()
		require.NoError(t, r.Leave(t.Context(), "a", 0))
		require.Equal(t, second, time.Since(start))
		require.Len(t, d.departures, 1)

		var wg sync.WaitGroup
		for _, id := range []string{"b", "c"} { // one worker: the second has no time left
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
				defer cancel()
				_ = r.Leave(ctx, id, 0)
			})
		}
		wg.Wait()
		require.Equal(t, 1, r.Stats().Cleanup.Pending)
		time.Sleep(second)
		require.Zero(t, r.Stats().Cleanup.Pending)
	})
}

// Run ends before a worker begins the cleanup of a Leave. Then Leave does the cleanup itself.
func TestLeaveOutlivesRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d cleanupLog
		r, err := hostmgr.New(hostmgr.Config[string]{
			CleanupWorkers: 1,
			Cleanup: func(ctx context.Context, dep hostmgr.Departure[string]) error {
				if dep.Host.ID == "hangs" {
					<-ctx.Done()
					return ctx.Err()
				}
				return d.cleanup(ctx, dep)
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for _, id := range []string{"hangs", "a"} {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id})
			require.NoError(t, err)
		}
		var wg sync.WaitGroup
		var first, second error
		wg.Go(func() { first = r.Leave(context.Background(), "hangs", 0) })
		synctest.Wait()
		wg.Go(func() { second = r.Leave(context.Background(), "a", 0) })
		synctest.Wait()
		stop()
		wg.Wait()
		require.ErrorIs(t, first, hostmgr.ErrCleanupPending)
		require.NoError(t, second)
		require.Len(t, d.departures, 1)
	})
}

// A Sweep is cleaning up the same id. Leave waits for its turn, also if the sweep's context ends
// before the sweep comes to the cleanup of the Leave.
func TestLeaveWaitsForASweepThatCleansUpTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d cleanupLog
		sweepCtx, cancel := context.WithCancel(t.Context())
		r, err := hostmgr.New(hostmgr.Config[string]{
			Cleanup: func(ctx context.Context, dep hostmgr.Departure[string]) error {
				if dep.Kind == hostmgr.DepartureEvicted {
					time.Sleep(second)
					cancel()
				}
				return d.cleanup(ctx, dep)
			},
		})
		require.NoError(t, err)
		join := func() {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
			require.NoError(t, err)
		}
		join()
		time.Sleep(3 * second)
		var wg sync.WaitGroup
		wg.Go(func() { r.Sweep(sweepCtx) })
		synctest.Wait()
		join()
		require.NoError(t, r.Leave(context.Background(), "a", 0))
		wg.Wait()
		require.Len(t, d.departures, 2)
		require.Equal(t, hostmgr.DepartureLeft, d.departures[1].Kind)
	})
}

// A cleanup may let hosts leave, with any context, under Run and without. Leave does not run their
// cleanups within this one, does not wait for a worker, and says so. They are done afterwards.
func TestALeaveWithinACleanupReturnsAtOnce(t *testing.T) {
	for name, of := range map[string]func(context.Context) context.Context{
		"its context": func(ctx context.Context) context.Context { return ctx },
		"another one": func(context.Context) context.Context { return context.Background() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r *hostmgr.Registry[string]
				var errs []error
				r, err := hostmgr.New(hostmgr.Config[string]{
					CleanupWorkers: 1,
					Cleanup: func(ctx context.Context, d hostmgr.Departure[string]) error {
						if d.Host.ID == "a" && d.Host.Metadata == "first" {
							_, _ = r.Announce(hostmgr.Announcement[string]{ID: "a"})
							errs = append(errs, r.Leave(of(ctx), "b", 0), r.Leave(of(ctx), "a", 0))
						}
						return nil
					},
				})
				require.NoError(t, err)
				for _, driver := range []string{"Sweep", "Run"} {
					stop := func() { r.Sweep(t.Context()) }
					if driver == "Run" {
						stop = run(t, r)
					}
					for _, id := range []string{"a", "b"} {
						_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Metadata: "first"})
						require.NoError(t, err)
					}
					start := time.Now()
					require.NoError(t, r.Leave(t.Context(), "a", 0))
					synctest.Wait()
					stop()
					require.Len(t, errs, 2)
					for _, err := range errs {
						require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
					}
					require.Zero(t, time.Since(start))
					require.Zero(t, r.Stats().Cleanup.Pending)
					errs = nil
				}
			})
		})
	}
}

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

// A function of While calls many methods, and none of them waits for the function itself.
func TestWhileMayCallTheRegistry(t *testing.T) {
	for _, running := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			x := newTable(t, hostmgr.Config[string]{CleanupWorkers: 1})
			if running {
				defer run(t, x.Registry)()
			}
			ctx, began := context.Background(), time.Now()
			first := x.join("a", 1)
			x.join("b", 1)
			f := func() error {
				x.add(first, 0)
				_, err := x.Heartbeat("a", 0)
				require.NoError(t, err)
				require.NoError(t, x.Update("a", 0, func(string) string { return "new" }))
				require.NoError(t, x.While("a", first, func() error { return nil }))
				require.NoError(t, x.Drain(ctx), "nothing is owed")
				second := x.join("a", 2)
				require.ErrorIs(t, x.While("a", first, func() error { return nil }), hostmgr.ErrStale)
				require.NoError(t, x.While("a", second, func() error {
					require.ErrorIs(t, x.Leave(ctx, "a", 0), hostmgr.ErrCleanupPending)
					require.ErrorIs(t, x.Drain(ctx), hostmgr.ErrCleanupPending)
					return nil
				}))
				x.join("a", 3)
				require.ErrorIs(t, x.Evict(ctx, "a", 0, "it is time"), hostmgr.ErrCleanupPending)
				require.NoError(t, x.Leave(ctx, "b", 0), "no call of While uses it")
				x.Sweep(ctx)
				require.Len(t, x.left(), 1)
				require.NoError(t, x.Forget("c", 0), "it has joined")
				return nil
			}
			x.join("c", 1)
			require.NoError(t, x.While("a", 0, f))
			require.NoError(t, x.Drain(ctx))
			require.Len(t, x.left(), 4)
			require.Equal(t, first, x.left()[1])
			require.Empty(t, x.rows)
			require.Zero(t, time.Since(began))
		})
	}
}

// Two functions each make the host of the other one leave, and wait for its cleanup.
func TestTwoWhilesDoNotWaitForEachOther(t *testing.T) {
	for _, call := range []func(*table, string) error{
		func(x *table, id string) error { return x.Leave(context.Background(), id, 0) },
		func(x *table, id string) error {
			_ = x.Evict(context.Background(), id, 0, "it is time")
			return x.Drain(context.Background())
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			x := newTable(t, hostmgr.Config[string]{})
			defer run(t, x.Registry)()
			x.join("a", 1)
			x.join("b", 1)
			var both, called, wg sync.WaitGroup
			both.Add(2)
			called.Add(2)
			for own, other := range map[string]string{"a": "b", "b": "a"} {
				wg.Go(func() {
					require.ErrorIs(t, x.While(own, 0, func() error {
						both.Done()
						both.Wait()
						defer called.Wait() // otherwise one may end before the other calls
						defer called.Done()
						return call(x, other)
					}), hostmgr.ErrCleanupPending)
				})
			}
			wg.Wait()
			require.NoError(t, x.Drain(context.Background()))
			require.Len(t, x.left(), 2)
		})
	}
}

// A cleanup calls While for the next registration of its own id, and calls the registry within
// that.
func TestACleanupMayCallWhile(t *testing.T) {
	for _, running := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			x := newTable(t, hostmgr.Config[string]{CleanupWorkers: 1})
			if running {
				defer run(t, x.Registry)()
			}
			x.cleanup = func(d hostmgr.Departure[string]) error {
				if d.Host.Incarnation > 1 {
					return nil
				}
				never := func() error { panic("it has departed") }
				require.ErrorIs(t, x.While("a", d.Host.Registration, never), hostmgr.ErrStale)
				return x.While("a", 0, func() error {
					return x.While("b", 0, func() error {
						for _, id := range []string{"a", "b"} {
							require.ErrorIs(t, x.Leave(context.Background(), id, 0), hostmgr.ErrCleanupPending)
						}
						require.ErrorIs(t, x.Drain(context.Background()), hostmgr.ErrCleanupPending)
						require.Zero(t, x.Sweep(context.Background()).Cleaned)
						return nil
					})
				})
			}
			x.join("b", 2)
			first := x.join("a", 1)
			x.join("a", 2)
			require.NoError(t, x.Drain(t.Context()))
			require.Equal(t, first, x.left()[0])
			require.NoError(t, x.Drain(t.Context()))
			require.Len(t, x.left(), 3)
		})
	}
}

// The context of a function ends while it waits in Leave, on a goroutine that it has started.
func TestAGoroutineOfAWhileIsNotWithinIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTable(t, hostmgr.Config[string]{})
		x.join("a", 1)
		require.NoError(t, x.While("a", 0, func() error {
			ctx, cancel := context.WithTimeout(t.Context(), second)
			defer cancel()
			left := make(chan error)
			go func() { left <- x.Leave(ctx, "a", 0) }()
			err := <-left
			require.True(t, errors.Is(err, hostmgr.ErrCleanupPending) && errors.Is(err, context.DeadlineExceeded))
			return nil
		}))
		require.NoError(t, x.Drain(t.Context()))
	})
}

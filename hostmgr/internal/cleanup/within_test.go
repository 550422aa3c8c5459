package cleanup_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// contexts are those that a cleanup may call the queue with.
var contexts = map[string]func(context.Context) context.Context{
	"its context": func(ctx context.Context) context.Context { return ctx },
	"another one": func(context.Context) context.Context { return context.Background() },
}

// Cleanups do not nest, whatever they call: the stack does not grow with the number of jobs
// (patrickmn/go-cache#163).
func TestASweepWithinACleanupDoesNone(t *testing.T) {
	const many = 4000
	for name, of := range contexts {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				depth, deepest := 0, 0
				var s *script
				s = newScript(t, 8, func(ctx context.Context, _ string, _ int) error {
					depth++
					deepest = max(deepest, depth)
					if deepest < 100 { // otherwise the fault takes a minute
						require.Zero(t, s.Sweep(of(ctx), func() {}))
					}
					depth--
					return nil
				})
				for i := range many {
					s.add(strconv.Itoa(i))
				}
				require.NoError(t, s.leave(t.Context(), "within an Await"))
				require.Equal(t, many, s.sweep())
				require.Equal(t, 1, deepest)
			})
		})
	}
}

// An Await within a cleanup returns at once. The cleanups run one after the other, not one within
// the other.
func TestAnAwaitWithinACleanupRunsNone(t *testing.T) {
	const many = 1000
	for name, of := range contexts {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				depth, done := 0, 0
				var s *script
				s = newScript(t, 1, func(ctx context.Context, id string, _ int) error {
					depth++
					require.Equal(t, 1, depth)
					require.Equal(t, strconv.Itoa(done), id)
					if done++; done < many {
						require.ErrorContains(t, s.leave(of(ctx), strconv.Itoa(done)), "within another cleanup")
					}
					depth--
					return nil
				})
				require.NoError(t, s.leave(t.Context(), "0"))
				for s.sweep() > 0 {
				}
				require.Equal(t, many, done)
			})
		})
	}
}

// Each worker is in a cleanup that awaits other jobs, also of its own id. None waits for another.
func TestWorkersDoNotWaitForEachOther(t *testing.T) {
	for name, of := range contexts {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				const workers = 4
				var s *script
				var all sync.WaitGroup
				var begun atomic.Int64
				all.Add(workers)
				s = newScript(t, workers, func(ctx context.Context, id string, _ int) error {
					if begun.Add(1) <= workers {
						all.Done()
						all.Wait()
						require.ErrorContains(t, s.leave(of(ctx), id), "within another cleanup")
						_ = s.leave(of(ctx), "after "+id) // a worker may have done it already
						require.Zero(t, s.Sweep(of(ctx), func() {}))
					}
					return nil
				})
				stop := s.run()
				start := time.Now()
				for i := range workers {
					now := s.clock.Now()
					s.Add(work(strconv.Itoa(i), strconv.Itoa(i), now), now)
				}
				s.Wake()
				synctest.Wait()
				require.Zero(t, time.Since(start))
				stop()
			})
		})
	}
}

// A job that was tried before tells its outcome within a cleanup too.
func TestAnAwaitWithinACleanupTellsWhatIsKnown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var outcomes []error
		s := newScript(t, 1, func(_ context.Context, id string, _ int) error {
			if id == "bad" {
				return errNotNow
			}
			return nil
		})
		bad, good := s.add("bad"), s.add("good")
		require.Equal(t, 1, s.sweep())
		within := newScript(t, 1, func(ctx context.Context, _ string, _ int) error {
			outcomes = append(outcomes, s.Await(ctx, bad), s.Await(ctx, good))
			return nil
		})
		require.NoError(t, within.leave(t.Context(), "a"))
		require.Equal(t, []error{errNotNow, nil}, outcomes)
	})
}

// A cleanup of one queue may wait for one of another queue.
func TestQueuesAreIndependent(t *testing.T) {
	for name, of := range contexts {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				inner := newScript(t, 1, succeed)
				outer := newScript(t, 1, func(ctx context.Context, id string, _ int) error {
					return inner.leave(of(ctx), id)
				})
				require.NoError(t, outer.leave(t.Context(), "a"))
				sweeper := newScript(t, 1, func(ctx context.Context, _ string, _ int) error {
					inner.add("b")
					require.Equal(t, 1, inner.Sweep(of(ctx), func() {}))
					return nil
				})
				require.NoError(t, sweeper.leave(t.Context(), "a"))
				defer outer.run()()
				defer inner.run()()
				require.NoError(t, outer.leave(t.Context(), "a"))
			})
		})
	}
}

// Other goroutines call the queue while cleanups run: they are not within one.
func TestOtherGoroutinesAreNotWithinACleanup(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 100, func(context.Context, string, int) error {
			time.Sleep(second)
			return nil
		})
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if err := s.leave(t.Context(), strconv.Itoa(i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for range 50 {
			s.add(strconv.Itoa(s.pending()))
			wg.Go(func() { s.sweep() })
		}
		wg.Wait()
		require.Zero(t, s.pending())
	})
}

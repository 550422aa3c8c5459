package cleanup_test

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Sixteen jobs are added at a time: eight workers are at them, though nothing else happens that
// could start one.
func TestWorkersRunSideBySide(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 8, func(context.Context, string, int) error {
			time.Sleep(second)
			return nil
		})
		stop := s.run()
		now := s.clock.Now()
		for i := range 16 {
			s.Add(work(strconv.Itoa(i), strconv.Itoa(i), now), now)
		}
		s.Wake()
		time.Sleep(2 * second)
		stop()
		for i := range 16 {
			require.Equal(t, time.Duration(1+i/8)*second, s.took[strconv.Itoa(i)])
		}
	})
}

// The context of Start ends, but its stop is not called yet: no worker begins anything any more.
func TestNoCleanupBeginsWhenTheContextHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun := 0
		s := newScript(t, 1, func(ctx context.Context, _ string, _ int) error {
			begun++
			<-ctx.Done()
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		stop := s.Start(ctx)
		s.add("a")
		s.add("b")
		synctest.Wait()
		cancel()
		synctest.Wait()
		s.Wake()
		stop()
		require.Equal(t, 1, begun)
		require.Equal(t, 1, s.pending())
	})
}

// stop returns when all workers have ended, not before. What is pending then is done after the next
// Start.
func TestStopWaitsForWorkers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var running atomic.Int64
		s := newScript(t, 2, func(ctx context.Context, _ string, attempt int) error {
			running.Add(1)
			defer running.Add(-1)
			if attempt == 1 {
				<-ctx.Done()
				time.Sleep(9 * second) // it takes its time to stop
			}
			return ctx.Err()
		})
		for _, id := range []string{"a", "b", "c"} {
			s.add(id)
		}
		stop := s.run()
		synctest.Wait()
		require.EqualValues(t, 2, running.Load())
		stop()
		require.Zero(t, running.Load())
		require.Equal(t, 3, s.pending())
		stop = s.run()
		time.Sleep(second)
		require.Equal(t, 1, s.pending())
		stop()
	})
}

// Without Start no goroutine is left.
func TestNoHiddenGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newScript(t, 8, func(context.Context, string, int) error { return errNotNow })
	s.add("a")
	require.Error(t, s.leave(t.Context(), "b"))
	s.sweep()
	s.Plan(s.clock.Now())
	for runtime.NumGoroutine() > before { // those of Sweep and Await are about to end
		runtime.Gosched()
	}
}

// A cleanup inline is under way when workers start, and another job of its id is added: with no
// other reason to wake, Run has it done.
func TestWorkersTakeOverAnIDThatWasClaimed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := newScript(t, 1, func(context.Context, string, int) error { <-gate; return nil })
		first := s.leaveAside(t.Context(), "a")
		stop := s.run()
		second := s.leaveAside(t.Context(), "a")
		start := time.Now()
		close(gate)
		require.NoError(t, <-first)
		require.NoError(t, <-second)
		require.Zero(t, time.Since(start), "at once, not when Run happens to wake")
		stop()
	})
}

func TestWorkersRetryInTimeThoughNothingElseWakesThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 8, func(_ context.Context, _ string, attempt int) error {
			if attempt < 4 {
				return errNotNow
			}
			return nil
		})
		stop := s.run()
		require.Equal(t, errNotNow, s.leave(t.Context(), "a"))
		for i, pause := range []time.Duration{100, 200, 400} {
			require.Equal(t, uint64(i+1), s.Stats().Failures)
			time.Sleep(pause * time.Millisecond)
			synctest.Wait()
		}
		require.Zero(t, s.pending())
		stop()
	})
}

// While the one worker is busy the first of two retries becomes due, so Plan leaves both to the
// worker. The worker finds the second not due yet when it ends: then Plan must be called again.
func TestWhatAWorkerLeavesIsPlanned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(_ context.Context, id string, attempt int) error {
			switch {
			case id == "busy":
				time.Sleep(30 * time.Millisecond)
			case attempt == 1:
				return errNotNow
			}
			return nil
		})
		stop := s.run()
		_ = s.leave(t.Context(), "first") // its retry: after 100 ms
		time.Sleep(50 * time.Millisecond)
		_ = s.leave(t.Context(), "second") // after 150 ms
		time.Sleep(40 * time.Millisecond)
		_ = s.leave(t.Context(), "busy") // from 90 ms to 120 ms
		time.Sleep(40 * time.Millisecond)
		require.Zero(t, s.pending())
		stop()
	})
}

// A worker finds nothing to do, and asks for a new plan. A job that is added at that moment finds
// the slot of the worker free.
func TestASlotIsFreeWhenItsWorkerAsksForAPlan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(_ context.Context, id string, attempt int) error {
			if id == "retry" && attempt == 1 {
				return errNotNow
			}
			return nil
		})
		times := 0
		s.asked = func() { // Run plans later
			if times++; times == 3 { // first for the limit of the try, and when that failed; now there is nothing to do
				s.add("a")
			}
		}
		stop := s.run()
		_ = s.leave(t.Context(), "retry")
		synctest.Wait()
		require.Equal(t, 1, s.pending(), "the retry only")
		stop()
	})
}

// A retry is due soon after another one, which hangs: it is planned as soon as a worker has that
// one.
func TestARetryIsMadeThoughTheOneBeforeHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 2, func(ctx context.Context, id string, attempt int) error {
			switch {
			case attempt == 1:
				return errNotNow
			case id == "hangs":
				<-ctx.Done()
			}
			return nil
		})
		stop := s.run()
		_ = s.leave(t.Context(), "hangs")
		time.Sleep(time.Millisecond)
		_ = s.leave(t.Context(), "a")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, 100*time.Millisecond, s.took["a"])
		stop()
	})
}

// A backlog that is served as fast as it grows: each cleanup waits for what was before it, and no
// longer (vespa-engine/vespa#20529).
func TestABacklogIsServedInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(context.Context, string, int) error {
			time.Sleep(second)
			return nil
		})
		stop := s.run()
		for i := range 10 {
			s.add(strconv.Itoa(i))
		}
		for i := range 1000 {
			time.Sleep(second)
			s.add(strconv.Itoa(10 + i))
		}
		time.Sleep(20 * second)
		stop()
		require.Len(t, s.took, 1010)
		for id, took := range s.took {
			require.LessOrEqual(t, took, 11*second, id)
		}
	})
}

func TestJobsOfOneIDRunOneAtATimeAndInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		s := newScript(t, 8, func(_ context.Context, d string, attempt int) error {
			require.True(t, mu.TryLock())
			defer mu.Unlock()
			time.Sleep(50 * time.Millisecond)
			if attempt == 1 {
				return errNotNow
			}
			order = append(order, d)
			return nil
		})
		stop := s.run()
		for i := range 10 {
			s.Add(work("a", strconv.Itoa(i), 0), 0)
		}
		s.Wake()
		time.Sleep(time.Minute)
		stop()
		require.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, order)
	})
}

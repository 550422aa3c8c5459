package cleanup_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestASweepDoesAllJobsOfAnIDHoweverTimePasses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ticks := 0
		s := newScript(t, 1, func(context.Context, string, int) error {
			time.Sleep(time.Millisecond)
			return nil
		})
		for range 10 {
			s.add("a")
		}
		require.Equal(t, 10, s.Sweep(t.Context(), func() { ticks++ }))
		require.Equal(t, 10, ticks)
		require.Zero(t, s.pending())
	})
}

func TestASweepStopsWhenItsContextEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := newScript(t, 1, func(context.Context, string, int) error { cancel(); return nil })
		s.add("a")
		s.add("b")
		require.Equal(t, 1, s.Sweep(ctx, func() {}))
		require.Zero(t, s.Sweep(ctx, func() {}))
		require.Equal(t, 1, s.sweep())
	})
}

// Jobs are added faster than they are done: a Sweep does those that were there, and those that
// failed meanwhile are for the next one.
func TestASweepEndsThoughJobsAreAdded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var s *script
		added := 0
		s = newScript(t, 1, func(_ context.Context, id string, attempt int) error {
			if added++; added <= 100 { // otherwise the test would hang instead of failing
				s.add(id + "'")
				s.add(id + "''")
			}
			time.Sleep(second)
			if id == "bad" && attempt == 1 {
				return errNotNow
			}
			return nil
		})
		s.add("bad")
		s.add("a")
		s.add("b")
		require.Equal(t, 2, s.sweep())
		require.Equal(t, 7, s.pending())
		require.Equal(t, 7, s.sweep(), "all that were ready")
	})
}

// Cleanups do not nest, whatever they call: the stack does not grow with the number of jobs
// (patrickmn/go-cache#163).
func TestASweepWithinACleanupDoesNone(t *testing.T) {
	const many = 40_000
	for name, of := range map[string]func(context.Context) context.Context{
		"its context": func(ctx context.Context) context.Context { return ctx },
		"another one": func(context.Context) context.Context { return context.Background() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				depth, deepest := 0, 0
				var s *script
				s = newScript(t, 8, func(ctx context.Context, _ string, _ int) error {
					depth++
					deepest = max(deepest, depth)
					if deepest < 100 { // else the fault takes a minute
						require.Zero(t, s.Sweep(of(ctx), func() {}))
					}
					depth--
					return nil
				})
				for i := range many {
					s.add(strconv.Itoa(i))
				}
				require.Equal(t, many, s.sweep())
				require.Equal(t, 1, deepest)
			})
		})
	}
}

// An Await is not counted as a Sweep: by its context, a Sweep within its cleanup does none all the
// same.
func TestASweepWithinAnAwaitDoesNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var s *script
		s = newScript(t, 8, func(ctx context.Context, _ string, _ int) error {
			require.Zero(t, s.Sweep(ctx, func() {}))
			return nil
		})
		s.add("other")
		require.NoError(t, s.leave(t.Context(), "a"))
		require.Equal(t, 1, s.pending())
	})
}

// A cleanup that hangs keeps those of others for 10 s at most, from when it began.
func TestACleanupThatHangsDelaysOthersForAWhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open := make(chan struct{})
		s := newScript(t, 8, func(_ context.Context, id string, _ int) error {
			switch id {
			case "hangs":
				<-open
			case "slow":
				time.Sleep(9 * second)
			}
			return nil
		})
		s.add("slow")
		s.add("hangs")
		go s.sweep()
		time.Sleep(9 * second)
		s.add("other")
		require.Zero(t, s.sweepAfter(10*second-1))
		require.Equal(t, 1, s.sweepAfter(1))
		close(open)
		synctest.Wait()
		require.Zero(t, s.pending())
	})
}

// A Sweep that leaves the jobs to workers does not count as one that begins a cleanup.
func TestASweepUnderWorkersDelaysNoLaterOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open := make(chan struct{})
		s := newScript(t, 8, func(_ context.Context, id string, _ int) error {
			if id == "hangs" {
				<-open
			}
			return nil
		})
		s.add("hangs")
		go s.sweep()
		time.Sleep(10 * second)
		now := s.clock.Now()
		s.Add("other", "other", now, now)
		stop := s.Start(t.Context())
		require.Zero(t, s.sweep())
		stop()
		require.Equal(t, 1, s.sweep())
		close(open)
		synctest.Wait()
	})
}

// There are no more Sweeps that hang than workers.
func TestSweepsThatHangAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open := make(chan struct{})
		var begun atomic.Int64
		s := newScript(t, 3, func(context.Context, string, int) error {
			begun.Add(1)
			<-open
			return nil
		})
		for i := range 10 {
			s.add(strconv.Itoa(i))
		}
		for range 10 {
			go s.sweep()
			time.Sleep(10 * second)
		}
		require.EqualValues(t, 3, begun.Load())
		close(open)
		synctest.Wait()
		require.Zero(t, s.pending())
	})
}

// A Sweep leaves the jobs to the workers, of a pool that is stopping too, and stops when a pool
// starts.
func TestASweepLeavesJobsToTheWorkers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(context.Context, string, int) error {
			time.Sleep(second)
			return nil
		})
		s.add("a")
		s.add("b")
		cleaned := make(chan int, 1)
		go func() { cleaned <- s.sweep() }()
		synctest.Wait()
		stop := s.Start(t.Context())
		require.Equal(t, 1, <-cleaned)
		require.Zero(t, s.sweep())
		s.add("c")
		synctest.Wait()
		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		synctest.Wait()
		require.Zero(t, s.sweep(), "a worker is in a cleanup still")
		<-stopped
		require.Equal(t, 1, s.sweep())
	})
}

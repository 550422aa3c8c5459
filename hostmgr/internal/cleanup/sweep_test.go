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

// Sweeps on several goroutines do cleanups side by side, as many as there would be workers. A Sweep
// beyond that does none.
func TestSweepsSideBySideAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var begun atomic.Int64
		s := newScript(t, 3, func(context.Context, string, int) error {
			begun.Add(1)
			time.Sleep(second)
			return nil
		})
		for i := range 10 {
			s.add(strconv.Itoa(i))
		}
		for range 3 {
			go s.sweep()
		}
		synctest.Wait()
		require.Zero(t, s.sweep())
		require.EqualValues(t, 3, begun.Load())
		time.Sleep(4*second + 1)
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

package cleanup_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// exits ends the goroutine that prints it.
type exits struct{}

func (exits) Error() string  { runtime.Goexit(); return "" }
func (exits) String() string { runtime.Goexit(); return "" }

// fails are the ways in which a cleanup fails, and what Failed is told.
var fails = map[string]struct {
	fail func() error
	says string
}{
	"returns an error": {func() error { return errNotNow }, "not now"},
	"panics":           {func() error { panic("oops") }, "cleanup panicked: oops\ngoroutine "},
	"ends":             {func() error { runtime.Goexit(); return nil }, "cleanup ended its goroutine"},
	"panics with what cannot be printed": {
		func() error { panic(exits{}) }, "cleanup ended its goroutine",
	},
}

// However a cleanup fails, it is tried again, and the other jobs are done: a worker that it ends is
// replaced.
func TestACleanupThatFailsIsRepeated(t *testing.T) {
	for name, row := range fails {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newScript(t, 1, func(_ context.Context, id string, attempt int) error {
					if id == "bad" && attempt < 3 {
						return row.fail()
					}
					return nil
				})
				stop := s.run()
				s.add("bad")
				s.add("good")
				time.Sleep(second)
				stop()
				require.Zero(t, s.pending())
				require.EqualValues(t, 2, s.Stats().Failures)
				require.Len(t, s.failed, 2)
				for i, f := range s.failed {
					require.Equal(t, i+1, f.attempt)
					require.Contains(t, f.err.Error(), row.says)
				}
			})
		})
	}
}

// Failed may end the goroutine, as when it logs an error that does: nothing is lost.
func TestFailedMayEndItsGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(_ context.Context, id string, attempt int) error {
			if id == "bad" && attempt < 3 {
				return exits{}
			}
			return nil
		})
		s.failing = func(err error) {
			time.Sleep(time.Millisecond) // in which Run looks for a free slot
			_ = err.Error()
		}
		stop := s.run()
		s.add("bad")
		s.add("good")
		time.Sleep(second)
		stop()
		require.Zero(t, s.pending())
		require.EqualValues(t, 2, s.Stats().Failures)
		require.Equal(t, time.Millisecond, s.took["good"], "in the place of the worker that ended")
	})
}

// A cleanup that ends its goroutine ends neither a Sweep nor an Await, and keeps no later cleanup.
func TestACleanupThatEndsItsGoroutineEndsNoCaller(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(_ context.Context, id string, attempt int) error {
			if id == "bad" && attempt < 3 {
				runtime.Goexit()
			}
			return nil
		})
		require.ErrorContains(t, s.leave(t.Context(), "bad"), "ended its goroutine")
		s.add("good")
		ticks := 0
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, 1, s.Sweep(t.Context(), func() { ticks++ }))
		require.Equal(t, 2, ticks)
		require.Equal(t, 1, s.sweepAfter(200*time.Millisecond))
	})
}

// A cleanup that hangs stops no other worker.
func TestACleanupThatHangsStopsNoOtherWorker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		hang := make(chan struct{})
		s := newScript(t, 2, func(_ context.Context, id string, _ int) error {
			if id == "hangs" {
				<-hang
			}
			return nil
		})
		stop := s.run()
		s.add("hangs")
		s.add("a")
		time.Sleep(second)
		s.add("b")
		time.Sleep(second)
		require.Equal(t, 1, s.pending())
		close(hang)
		stop()
		require.Zero(t, s.pending())
	})
}

// When the context of Start ends, a cleanup that heeds it, and sweeps with another context, begins
// no cleanup that heeds none.
func TestStopEndsThoughACleanupSweeps(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var s *script
		s = newScript(t, 1, func(ctx context.Context, _ string, _ int) error {
			if ctx.Done() == nil {
				t.Error("this cleanup has the context of the Sweep")
				return nil
			}
			<-ctx.Done()
			s.Sweep(context.Background(), func() {})
			return ctx.Err()
		})
		stop := s.run()
		s.add("a")
		s.add("b")
		stop()
	})
}

// An id is failing from its first failure to its next success, whatever the number of its jobs.
// When no id is failing any more, Replan is called.
func TestFailing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(_ context.Context, id string, attempt int) error {
			if attempt <= len(id) {
				return errNotNow
			}
			return nil
		})
		asked := false
		s.asked = func() { asked = true }
		s.add("a")
		s.add("bb")
		s.add("bb")
		for _, want := range []int{2, 1, 1, 1, 0} { // a is done second, and bb third and last
			asked = false
			s.sweepAfter(second)
			require.Equal(t, want, s.Failing())
		}
		require.True(t, asked)
		require.Zero(t, s.pending())
	})
}

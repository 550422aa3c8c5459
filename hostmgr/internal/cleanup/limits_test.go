package cleanup_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/calls"
	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
)

// hangers returns a cleaner that hangs for ids that begin with "hangs", until open is called.
func hangers() (clean cleaner, open func()) {
	hang := make(chan struct{})
	return func(_ context.Context, id string, attempt int) error {
		if strings.HasPrefix(id, "hangs") && attempt == 1 {
			<-hang
		}
		return nil
	}, func() { close(hang) }
}

func (s *script) reports() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// As many cleanups hang as there are workers, and ignore their contexts. All others are done after
// the limit and 10 s, and the figures show what hangs while it hangs (osparc-simcore#4067).
func TestHungCleanupsHoldUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		clean, open := hangers()
		s := newScript(t, 8, clean)
		stop := s.run()
		for i := range 8 {
			s.add("hangs " + strconv.Itoa(i))
		}
		for i := range 100 {
			s.add(strconv.Itoa(i))
		}
		time.Sleep(30 * second)
		synctest.Wait()
		require.Equal(t, calls.Stats{Running: 8, Timeouts: 8}, s.Stats().Calls)
		require.Len(t, s.reports(), 8)
		time.Sleep(10 * second)
		synctest.Wait()
		require.Equal(t, cleanup.Stats[string]{
			Pending: 8, Oldest: "hangs 0", Calls: calls.Stats{Running: 8, Timeouts: 8, LeftBehind: 8},
		}, s.Stats())
		require.Contains(t, s.reports(), "timed out hangs 7")
		require.Contains(t, s.reports(), "left behind hangs 7")
		open()
		synctest.Wait()
		require.Equal(t, cleanup.Stats[string]{Calls: calls.Stats{Timeouts: 8}}, s.Stats(), "they succeeded")
		stop()
	})
}

// A cleanup that heeds its context is a failure like any other.
func TestACleanupThatHeedsItsLimitIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(ctx context.Context, _ string, attempt int) error {
			if attempt == 1 {
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		})
		stop := s.run()
		require.ErrorIs(t, s.leave(t.Context(), "a"), context.DeadlineExceeded)
		time.Sleep(second)
		stop()
		require.Equal(t, cleanup.Stats[string]{Failures: 1, Calls: calls.Stats{Timeouts: 1}}, s.Stats())
		require.Equal(t, []string{"timed out a"}, s.reports())
	})
}

// A cleanup that was left behind keeps the cleanups of its id, and an Await for them does not wait.
func TestTheIDOfACleanupThatHangsStaysClaimed(t *testing.T) {
	for _, driver := range []string{"workers", "Sweeps"} {
		t.Run(driver, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				clean, open := hangers()
				s := newScript(t, 1, clean)
				if driver == "workers" {
					defer s.run()()
				}
				start := time.Now()
				first := s.leaveAside(t.Context(), "hangs")
				second := s.leaveAside(t.Context(), "hangs")
				require.ErrorContains(t, <-first, "left behind")
				require.ErrorContains(t, <-second, "left behind")
				require.Equal(t, 40*time.Second, time.Since(start))
				require.ErrorContains(t, s.leave(t.Context(), "hangs"), "left behind")
				require.NoError(t, s.leave(t.Context(), "other"))
				require.Equal(t, 40*time.Second, time.Since(start))
				require.Zero(t, s.sweep())
				require.Equal(t, 3, s.pending())
				open()
				synctest.Wait()
				s.sweep()
				require.Zero(t, s.pending())
			})
		})
	}
}

// A Sweep waits for a cleanup that hangs for as long as the limit and 10 s, and does all others.
// Meanwhile Sweeps on other goroutines do them at once.
func TestASweepIsNotHeldUpByAHungCleanup(t *testing.T) {
	bubble(t, func(t *testing.T) {
		clean, open := hangers()
		s := newScript(t, 8, clean)
		start, ticks := time.Now(), 0
		s.add("a")
		s.add("hangs")
		s.add("b")
		require.Equal(t, 2, s.Sweep(t.Context(), func() { ticks++ }))
		require.Equal(t, 3, ticks)
		require.Equal(t, 40*second, time.Since(start))

		s.add("hangs too")
		swept := make(chan int)
		go func() { swept <- s.sweep() }()
		synctest.Wait()
		s.add("c")
		require.Equal(t, 1, s.sweep())
		require.Equal(t, 40*second, time.Since(start))
		require.Zero(t, <-swept)
		require.Equal(t, 2, s.Stats().Calls.LeftBehind)
		open()
		synctest.Wait()
		require.Zero(t, s.pending())
	})
}

// Cleanups that were left behind by Sweeps do not count as Sweeps.
func TestLeftBehindDoesNotCountAsASweep(t *testing.T) {
	bubble(t, func(t *testing.T) {
		clean, open := hangers()
		s := newScript(t, 1, clean)
		for i := range 20 {
			s.add("hangs " + strconv.Itoa(i))
			require.Zero(t, s.sweep())
		}
		s.add("a")
		require.Equal(t, 1, s.sweep())
		require.Equal(t, 20, s.Stats().Calls.LeftBehind)
		open()
		synctest.Wait()
	})
}

// The context of a Sweep or an Await ends: 10 s later they leave the cleanup behind.
func TestACallerWaitsTenSecondsAfterItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		clean, open := hangers()
		s := newScript(t, 8, clean)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*second)
		defer cancel()
		outcome := s.leaveAside(ctx, "hangs")
		s.add("hangs too")
		s.add("b")
		require.Zero(t, s.Sweep(ctx, func() {}))
		require.Equal(t, 12*second, time.Since(start))
		require.Error(t, <-outcome)
		require.Equal(t, calls.Stats{Running: 2, LeftBehind: 2}, s.Stats().Calls)
		require.Equal(t, 1, s.sweep())
		open()
		synctest.Wait()
	})
}

// stop waits 10 s for a cleanup that ignores its context. Its worker may then end under a later
// Start, or under none.
func TestStopLeavesAHungCleanupBehind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		clean, open := hangers()
		s := newScript(t, 2, clean)
		for i := range 3 {
			stop := s.run()
			s.add("hangs " + strconv.Itoa(i))
			s.add(strconv.Itoa(i))
			synctest.Wait()
			start := time.Now()
			stop()
			require.Equal(t, 10*second, time.Since(start))
			require.Equal(t, i+1, s.pending())
			require.Equal(t, i+1, s.Stats().Calls.LeftBehind)
		}
		stop := s.run()
		open()
		synctest.Wait()
		require.Zero(t, s.pending())
		require.Zero(t, s.Stats().Calls.Running)
		s.add("a")
		synctest.Wait()
		require.Zero(t, s.pending())
		stop()
	})
}

// A cleanup is left behind, fails later, and is repeated like any other.
func TestACleanupThatWasLeftBehindIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(_ context.Context, _ string, attempt int) error {
			if attempt == 1 {
				time.Sleep(time.Hour)
				return errNotNow
			}
			return nil
		})
		stop := s.run()
		require.Error(t, s.leave(t.Context(), "a"))
		time.Sleep(time.Hour)
		require.Equal(t, cleanup.Stats[string]{Failures: 1, Calls: calls.Stats{Timeouts: 1}}, s.Stats())
		require.Equal(t, time.Hour+100*time.Millisecond, s.took["a"])
		stop()
	})
}

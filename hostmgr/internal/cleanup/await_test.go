package cleanup_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAwaitTellsTheOutcome(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fail := true
		s := newScript(t, 1, func(context.Context, string, int) error {
			if fail {
				return errNotNow
			}
			return nil
		})
		first := s.add("a")
		require.Equal(t, errNotNow, s.Await(t.Context(), first))
		require.Equal(t, errNotNow, s.Await(t.Context(), first), "it is tried once")
		require.ErrorContains(t, s.leave(t.Context(), "a"), "earlier registration", "in a pause")
		fail = false
		require.NoError(t, s.leave(t.Context(), "b"))
		require.Equal(t, 2, s.sweepAfter(100*time.Millisecond))
		require.NoError(t, s.Await(t.Context(), first))
	})
}

// Inline, an earlier job of the id that is ready is done first.
func TestAwaitDoesWhatComesFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var order []string
		s := newScript(t, 1, func(_ context.Context, d string, _ int) error {
			order = append(order, d)
			return nil
		})
		s.Add(work("a", "first", 0), 0)
		require.NoError(t, s.Await(t.Context(), s.Add(work("a", "second", 0), 0)))
		require.Equal(t, []string{"first", "second"}, order)
	})
}

func TestAwaitWithoutTimeLeavesTheJobPending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, succeed)
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("out of time")
		cancel(cause)
		require.Equal(t, cause, s.leave(ctx, "a"))
		require.LessOrEqual(t, s.Next(), s.clock.Now())
		require.Equal(t, 1, s.sweep())
	})
}

func TestAwaitWaitsForAWorker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(context.Context, string, int) error {
			time.Sleep(second)
			return nil
		})
		defer s.run()()
		start := time.Now()
		require.NoError(t, s.leave(t.Context(), "a"))
		require.Equal(t, second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		first, second := s.leaveAside(ctx, "b"), s.leaveAside(ctx, "c")
		require.NoError(t, <-first)
		require.ErrorIs(t, <-second, context.DeadlineExceeded, "one worker")
		require.Equal(t, 1, s.pending())
		time.Sleep(time.Second)
		require.Zero(t, s.pending())
	})
}

// If the pool stops before a worker came to the job, Await does it.
func TestAwaitOutlivesThePool(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(ctx context.Context, id string, _ int) error {
			if id == "hangs" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		stop := s.run()
		first := s.leaveAside(t.Context(), "hangs")
		second := s.leaveAside(t.Context(), "a")
		stop()
		require.ErrorIs(t, <-first, context.Canceled)
		require.NoError(t, <-second)
	})
}

// An Await that finds its id claimed by a Sweep waits for its turn, also when the Sweep's context
// ends first.
func TestAwaitWaitsForASweepThatHasTheID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := 0
		s := newScript(t, 1, func(context.Context, string, int) error {
			if done == 0 {
				time.Sleep(second)
				cancel()
			}
			done++
			return nil
		})
		s.add("a")
		go s.Sweep(ctx, func() {})
		synctest.Wait()
		require.NoError(t, s.leave(t.Context(), "a"))
		require.Equal(t, 2, done)
	})
}

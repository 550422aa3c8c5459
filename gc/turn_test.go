package gc_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/gc"
)

// A caller of RunNow that cannot join the run in flight gets the next run, whatever other callers
// do. Here each of them cancels the run that it has started at once, and calls again.
func TestRunNowWaitsForOneRunAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		g := newGC(t, gc.Config{})
		add(t, g, "a", func(ctx context.Context) error {
			if leave, ok := ctx.Value(key{}).(context.CancelFunc); ok {
				leave() // of the caller that started the run
			}
			time.Sleep(time.Second)
			return nil
		})
		begun := time.Now()
		keepLeaving := func() {
			for t.Context().Err() == nil && time.Since(begun) < time.Minute {
				ctx, cancel := context.WithCancel(t.Context())
				_ = g.RunNow(context.WithValue(ctx, key{}, cancel), "a")
				cancel()
			}
		}
		for range 8 {
			go keepLeaving()
			synctest.Wait()
		}
		require.NoError(t, g.RunNow(t.Context(), "a"))
		require.LessOrEqual(t, time.Since(begun), 2*time.Second, "the rest of one run, and a run")
		time.Sleep(2 * time.Minute)
	})
}

// Callers that wait for the next run share it. It starts if at least one of them is left.
func TestRunsInTurnAreShared(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		task := gc.Task{ID: "a", Interval: time.Hour, Timeout: time.Second, Run: d.taking(3 * time.Second)}
		require.NoError(t, g.Add(task))
		first := runNow(t.Context(), g, "a")
		time.Sleep(2 * time.Second)
		leaves, leave := context.WithCancel(t.Context())
		second, third := runNow(leaves, g, "a"), runNow(t.Context(), g, "a")
		leave()
		require.Equal(t, context.Canceled, <-second, "at once")
		require.Equal(t, 2*time.Second, time.Since(d.made))
		require.NoError(t, <-first)
		require.NoError(t, <-third)
		require.Equal(t, []float64{0, 3}, d.seconds())

		leaves, leave = context.WithCancel(t.Context())
		fourth := runNow(t.Context(), g, "a")
		time.Sleep(2 * time.Second)
		fifth := runNow(leaves, g, "a")
		leave()
		require.Equal(t, context.Canceled, <-fifth)
		require.NoError(t, <-fourth)
		time.Sleep(time.Minute)
		require.Equal(t, []float64{0, 3, 6}, d.seconds(), "a run that no caller waits for isn't started")
	})
}

// A caller that waits for a hanging run is told at once that its task was removed.
func TestRunNowThatWaitsHearsOfRemove(t *testing.T) {
	hanging(t, func(t *testing.T, g *gc.GC, free chan struct{}, _ *logbook) {
		first := runNow(t.Context(), g, "a")
		require.True(t, g.Remove("a"))
		minutely(t, g, "a", nothing)
		second := runNow(t.Context(), g, "a")
		require.True(t, g.Remove("a"))
		minutely(t, g, "a", func(context.Context) error { return errors.New("mine") })
		third := runNow(t.Context(), g, "a")

		require.Len(t, second, 1, "while the first run hangs")
		require.ErrorIs(t, <-second, gc.ErrRemoved)
		require.Empty(t, third)
		close(free)
		require.NoError(t, <-first)
		require.EqualError(t, <-third, "mine")
	})
}

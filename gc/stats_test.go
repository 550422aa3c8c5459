package gc_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
)

func TestStatsOfNothing(t *testing.T) {
	g := newGC(t, gc.Config{})
	add(t, g, "a", nothing)
	require.Equal(t, gc.TaskStats{}, stats(t, g, "a"))
}

// Runs of 1 ms, 2 ms, ... 1000 ms.
func TestPercentilesOfDuration(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		took := time.Duration(0)
		add(t, g, "a", func(context.Context) error {
			took += time.Millisecond
			time.Sleep(took)
			return nil
		})
		for range 1000 {
			require.NoError(t, g.RunNow(t.Context(), "a"))
		}

		d := stats(t, g, "a").Duration
		require.EqualValues(t, 1000, d.Count)
		require.Equal(t, time.Millisecond, d.Min)
		require.Equal(t, 500500*time.Microsecond, d.Mean)
		require.Equal(t, time.Second, d.Max)
		require.InEpsilon(t, 500*time.Millisecond, d.P50, 0.01)
		require.InEpsilon(t, 900*time.Millisecond, d.P90, 0.01)
		require.InEpsilon(t, 990*time.Millisecond, d.P99, 0.01)
		require.InEpsilon(t, 999*time.Millisecond, d.P999, 0.01)
		require.Zero(t, stats(t, g, "a").PeriodJitter.Count, "RunNow has no plan to be late for")
	})
}

// The clock steps back while a run is in flight: its duration is zero, not negative.
func TestNoRunTakesLessThanNoTime(t *testing.T) {
	mock := clock.NewMock()
	mock.Set(time.Unix(1e9, 0))
	g := newGC(t, gc.Config{Clock: mock})
	add(t, g, "a", func(context.Context) error {
		mock.Set(time.Unix(1e9-3600, 0))
		return nil
	})
	require.NoError(t, g.RunNow(t.Context(), "a"))
	d := stats(t, g, "a").Duration
	require.EqualValues(t, 1, d.Count)
	require.Zero(t, d.Max)
}

func TestTasksAreInOrder(t *testing.T) {
	g := newGC(t, gc.Config{})
	require.Empty(t, g.Tasks())
	for _, id := range []string{"b", "a", "c"} {
		add(t, g, id, nothing)
	}
	require.Equal(t, []string{"a", "b", "c"}, g.Tasks())
	require.True(t, g.Remove("b"))
	require.Equal(t, []string{"a", "c"}, g.Tasks())
}

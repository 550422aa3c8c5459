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
	g := gc.New(gc.Config{})
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

func TestMinMeanAndMaxWhateverTheOrder(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		took := []time.Duration{2 * time.Second, time.Second, 6 * time.Second}
		add(t, g, "a", func(context.Context) error {
			time.Sleep(took[0])
			took = took[1:]
			return nil
		})
		for range 3 {
			require.NoError(t, g.RunNow(t.Context(), "a"))
		}
		d := stats(t, g, "a").Duration
		require.Equal(t, [3]time.Duration{time.Second, 3 * time.Second, 6 * time.Second}, [3]time.Duration{d.Min, d.Mean, d.Max})
	})
}

// The clock steps back while a run is in flight: it took no time, not less than none.
func TestNoRunTakesLessThanNoTime(t *testing.T) {
	mock := clock.NewMock()
	mock.Set(time.Unix(1e9, 0))
	g := gc.New(gc.Config{Clock: mock})
	add(t, g, "a", func(context.Context) error {
		mock.Set(time.Unix(1e9-3600, 0))
		return nil
	})
	require.NoError(t, g.RunNow(t.Context(), "a"))
	require.Equal(t, gc.Percentiles{Count: 1}, stats(t, g, "a").Duration)
}

func TestPercentilesOfOneAreExact(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		const d = 1234567 * time.Microsecond
		add(t, g, "a", func(context.Context) error { time.Sleep(d); return nil })
		require.NoError(t, g.RunNow(t.Context(), "a"))
		require.Equal(t, gc.Percentiles{Count: 1, Min: d, Mean: d, P50: d, P90: d, P99: d, P999: d, Max: d},
			stats(t, g, "a").Duration)
	})
}

func TestDurationOfDays(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		add(t, g, "a", func(context.Context) error { time.Sleep(100 * time.Hour); return nil })
		require.NoError(t, g.RunNow(t.Context(), "a"))
		d := stats(t, g, "a").Duration
		require.Equal(t, 100*time.Hour, d.Max)
		require.InEpsilon(t, 24*time.Hour, d.P50, 0.01)
	})
}

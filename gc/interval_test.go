package gc_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
)

func TestSetIntervalRefuses(t *testing.T) {
	g := newGC(t, gc.Config{})
	require.ErrorIs(t, g.SetInterval("a", time.Second), gc.ErrUnknownTask)
	add(t, g, "a", nothing)
	require.ErrorIs(t, g.SetInterval("a", 0), gc.ErrInvalid)
	require.ErrorContains(t, g.SetInterval("a", -time.Second), `task "a": Task.Interval -1s is not positive`)
	require.NoError(t, g.SetInterval("a", math.MaxInt64))
}

func TestHas(t *testing.T) {
	g := newGC(t, gc.Config{})
	require.False(t, g.Has("a"))
	add(t, g, "a", nothing)
	require.True(t, g.Has("a"))
	require.True(t, g.Remove("a"))
	require.False(t, g.Has("a"))
}

// intervals sets intervals at moments, both in seconds, of a task that ticks every 10 s. It returns
// the seconds at which runs started in the first 100.
func intervals(t *testing.T, sets [][2]float64) (runs []float64) {
	t.Helper()
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		require.NoError(t, g.Add(gc.Task{ID: "a", Interval: 10 * time.Second, Run: d.taking(0)}))
		stop := start(t, g)
		for _, set := range sets {
			time.Sleep(time.Until(d.made.Add(time.Duration(set[0] * 1e9))))
			require.NoError(t, g.SetInterval("a", time.Duration(set[1]*1e9)))
		}
		time.Sleep(time.Until(d.made.Add(100 * time.Second)))
		require.NoError(t, stop())
		require.Zero(t, stats(t, g, "a").Dropped)
		require.Zero(t, stats(t, g, "a").PeriodJitter.Max, "each tick starts its run in time")
		runs = d.seconds()
	})
	return runs
}

func TestSetInterval(t *testing.T) {
	for name, test := range map[string]struct{ set, want [][2]float64 }{
		"before the first tick":        {[][2]float64{{5, 30}}, [][2]float64{{30, 30}}},
		"longer":                       {[][2]float64{{25, 30}}, [][2]float64{{10, 10}, {20, 30}}},
		"shorter":                      {[][2]float64{{11, 3}}, [][2]float64{{10, 3}}},
		"shorter, and that has passed": {[][2]float64{{18, 3}}, [][2]float64{{10, 8}, {18, 3}}},
		"the same":                     {[][2]float64{{18, 10}, {19, 10}}, [][2]float64{{10, 10}}},
		"there and back":               {[][2]float64{{18, 60}, {19, 10}}, [][2]float64{{10, 10}}},
		"twice at one moment":          {[][2]float64{{18, 1}, {18, 20}}, [][2]float64{{10, 20}}},
	} {
		t.Run(name, func(t *testing.T) {
			var want []float64
			for i, from := range test.want {
				until := 100.0
				if i+1 < len(test.want) {
					until = test.want[i+1][0]
				}
				for at := from[0]; at < until; at += from[1] {
					want = append(want, at)
				}
			}
			got := intervals(t, test.set)
			require.Equal(t, want, got[:len(want)])
		})
	}
}

// Calls that follow one another faster than the interval do not put the tick off.
func TestSetIntervalAgainAndAgain(t *testing.T) {
	var sets [][2]float64
	for i := range 99 {
		sets = append(sets, [2]float64{float64(i) + 0.5, 10 + float64(i%2)})
	}
	require.Len(t, intervals(t, sets), 9)
}

func TestSetIntervalBeforeRun(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		add(t, g, "a", d.taking(0))
		require.NoError(t, g.SetInterval("a", 3*time.Second))
		stop := start(t, g)
		time.Sleep(10 * time.Second)
		require.NoError(t, stop())
		require.NoError(t, g.SetInterval("a", 4*time.Second), "between two Runs")
		stop = start(t, g)
		time.Sleep(9 * time.Second)
		require.NoError(t, stop())
		require.Equal(t, []float64{3, 6, 9, 14, 18}, d.seconds())
	})
}

// The task keeps its figures, its run in flight and its queue.
func TestSetIntervalKeepsTheRun(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		add(t, g, "a", func(ctx context.Context) error {
			d.note()
			select {
			case <-ctx.Done():
			case <-time.After(4500 * time.Millisecond):
			}
			return ctx.Err()
		})
		stop := start(t, g)
		time.Sleep(2500 * time.Millisecond)
		next := runNext(t.Context(), g, "a")
		before := stats(t, g, "a")
		require.EqualValues(t, 1, before.Dropped)
		require.NoError(t, g.SetInterval("a", 20*time.Second))
		require.Equal(t, before, stats(t, g, "a"))
		require.NoError(t, <-next)
		time.Sleep(20 * time.Second)
		require.Equal(t, []float64{1, 5.5, 22}, d.seconds(), "the last tick, at 2 s, was dropped")
		require.EqualValues(t, 1, stats(t, g, "a").Dropped)
		require.NoError(t, stop())
	})
}

// A tick comes, or does not come, at the very moment of the call: the clock says which, however
// late the loop is.
func TestSetIntervalAtATick(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			mock := clock.NewMock()
			g := newGC(t, gc.Config{Clock: mock})
			add(t, g, "a", nothing)
			stop := start(t, g)
			mock.Add(500 * time.Millisecond)
			require.NoError(t, g.SetInterval("a", time.Hour))
			mock.Set(mock.Now().Add(time.Minute))
			require.Zero(t, stats(t, g, "a").Runs)
			mock.Add(time.Hour - time.Minute - 500*time.Millisecond)
			require.EqualValues(t, 1, stats(t, g, "a").Runs)
			require.NoError(t, g.SetInterval("a", time.Second))
			mock.Add(time.Second)
			require.NoError(t, g.SetInterval("a", time.Hour)) // the tick has come
			synctest.Wait()
			require.EqualValues(t, 2, stats(t, g, "a").Runs)
			require.NoError(t, stop())
		})
	}
}

// With a Mock, the next move of the time finds the new interval.
func TestSetIntervalOnAMock(t *testing.T) {
	mock := clock.NewMock()
	g := newGC(t, gc.Config{Clock: mock})
	require.NoError(t, g.Add(gc.Task{ID: "a", Interval: time.Hour, Run: nothing}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	for n := range uint64(20) {
		require.NoError(t, g.SetInterval("a", time.Minute))
		require.True(t, mock.Advance(10*time.Minute, time.Minute))
		require.NoError(t, g.SetInterval("a", time.Hour))
		require.True(t, mock.Advance(110*time.Minute, time.Minute))
		require.EqualValues(t, 11+12*n, stats(t, g, "a").Runs)
	}
	require.Zero(t, stats(t, g, "a").Dropped)
	cancel()
	require.NoError(t, <-ended)
}

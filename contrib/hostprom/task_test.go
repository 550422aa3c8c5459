package hostprom_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/gc"
)

// task returns a task that runs each second.
func task(id string, run func(context.Context) error) gc.Task {
	if run == nil {
		run = func(context.Context) error { return nil }
	}
	return gc.Task{ID: id, Interval: second, Timeout: 10 * second, Run: run}
}

// Each outcome of a run has its own count.
func TestTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := gc.New(gc.Config{})
		require.NoError(t, err)
		c := &hostprom.Collector{GCs: map[string]*gc.GC{"main": g}}
		var end func(context.Context) error
		require.NoError(t, g.Add(task("expire", func(ctx context.Context) error { return end(ctx) })))
		run := func(ctx context.Context, f func(context.Context) error) {
			end = f
			_ = g.RunNow(ctx, "expire")
			synctest.Wait()
		}
		untilDone := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		for range 5 {
			run(t.Context(), func(context.Context) error { time.Sleep(second); return nil })
		}
		for range 3 {
			run(t.Context(), func(context.Context) error { return errors.New("no") })
		}
		run(t.Context(), untilDone) // until its timeout strikes
		run(t.Context(), func(context.Context) error { panic("no") })
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(second); cancel() }()
		run(ctx, untilDone)

		families := gather(t, c)
		got := values(families)
		for name, want := range map[string]float64{
			`runs_total{gc="main",outcome="success",task="expire"}`:  5,
			`runs_total{gc="main",outcome="error",task="expire"}`:    4,
			`runs_total{gc="main",outcome="panic",task="expire"}`:    1,
			`runs_total{gc="main",outcome="canceled",task="expire"}`: 1,
			`timeouts_total{gc="main",task="expire"}`:                1,
			`dropped_ticks_total{gc="main",task="expire"}`:           0,
		} {
			require.Equal(t, want, got["gc_task_"+name], name)
		}
		d := histograms(families)[`gc_task_duration_seconds{gc="main",task="expire"}`]
		require.EqualValues(t, 11, d.GetSampleCount())
		require.EqualValues(t, 5*1+10+1, d.GetSampleSum())

		require.True(t, g.Remove("expire"))
		families = gather(t, c)
		require.Empty(t, values(families))
		require.Empty(t, histograms(families))
	})
}

func TestTicksOfTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := gc.New(gc.Config{})
		require.NoError(t, err)
		require.NoError(t, g.Add(task("slow", func(context.Context) error { time.Sleep(3500 * time.Millisecond); return nil })))
		ctx, stop := context.WithCancel(t.Context())
		go func() { _ = g.Run(ctx) }()
		time.Sleep(4600 * time.Millisecond)
		stop()
		families := gather(t, &hostprom.Collector{GCs: map[string]*gc.GC{"main": g}})
		require.EqualValues(t, 3, values(families)[`gc_task_dropped_ticks_total{gc="main",task="slow"}`])
		shapes := histograms(families)
		require.EqualValues(t, 1, shapes[`gc_task_period_jitter_seconds{gc="main",task="slow"}`].GetSampleCount())
		require.EqualValues(t, 1, shapes[`gc_task_period_jitter_ratio{gc="main",task="slow"}`].GetSampleCount())
		require.EqualValues(t, 1, shapes[`gc_task_period_jitter_ratio{gc="main",task="slow"}`].GetZeroCount())
	})
}

// A run that hangs is shown while it does.
func TestRunInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := gc.New(gc.Config{})
		require.NoError(t, err)
		free := make(chan struct{})
		require.NoError(t, g.Add(task("hung", func(context.Context) error { <-free; return nil })))
		c := &hostprom.Collector{GCs: map[string]*gc.GC{"main": g}}
		since := func() float64 {
			synctest.Wait()
			return values(gather(t, c))[`gc_task_running_since_timestamp_seconds{gc="main",task="hung"}`]
		}
		require.Zero(t, since())
		ctx, stop := context.WithCancel(t.Context())
		begun := time.Now()
		go func() { _ = g.Run(ctx) }()
		time.Sleep(5500 * time.Millisecond)
		require.EqualValues(t, begun.Add(second).Unix(), since())
		require.EqualValues(t, 4, values(gather(t, c))[`gc_task_dropped_ticks_total{gc="main",task="hung"}`])
		close(free)
		require.Zero(t, since())
		stop()
	})
}

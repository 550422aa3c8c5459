package gc_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
)

func TestRunsEveryInterval(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d, slower := newDiary(), newDiary()
		add(t, g, "a", d.taking(100*time.Millisecond))
		require.NoError(t, g.Add(gc.Task{ID: "b", Interval: 2 * time.Second, Run: slower.taking(0)}))
		time.Sleep(10 * time.Second) // nothing runs before Run
		stop := start(t, g)
		time.Sleep(4500 * time.Millisecond)

		require.NoError(t, stop())
		require.Equal(t, []float64{11, 12, 13, 14}, d.seconds())
		require.Equal(t, []float64{12, 14}, slower.seconds())
	})
}

func TestTaskAddedWhileRunningRuns(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		stop := start(t, g)
		time.Sleep(time.Minute)
		d := newDiary()
		add(t, g, "a", d.taking(0))
		time.Sleep(2500 * time.Millisecond)

		require.NoError(t, stop())
		require.Equal(t, []float64{1, 2}, d.seconds())
	})
}

// A task is added while Run waits for another one to return: it waits for the next Run.
func TestTaskAddedWhileStoppingDoesNotRun(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		add(t, g, "slow", func(context.Context) error { time.Sleep(time.Minute); return nil })
		stop := start(t, g)
		time.Sleep(1500 * time.Millisecond)
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }()
		synctest.Wait()

		d := newDiary()
		add(t, g, "a", d.taking(0))
		require.NoError(t, <-stopped)
		require.Empty(t, d.seconds())
	})
}

// Runs that take longer than the interval never overlap. The ticks in between are dropped, and
// later runs start at their ticks.
func TestSlowRunsDropTicksAndKeepPhase(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		add(t, g, "a", d.taking(3500*time.Millisecond))
		stop := start(t, g)
		time.Sleep(10 * time.Second)

		require.NoError(t, stop())
		require.Equal(t, []float64{1, 5, 9}, d.seconds())
		// 2, 3, 4 and 6, 7, 8 and 10, 11, 12: stopping waited until 12.5 s.
		require.EqualValues(t, 9, stats(t, g, "a").Dropped)
	})
}

// A tick that comes at the very moment at which a run ends is not dropped.
func TestRunsThatEndAtTicks(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		one, two := newDiary(), newDiary()
		add(t, g, "one", one.taking(time.Second))
		add(t, g, "two", two.taking(2*time.Second))
		stop := start(t, g)
		time.Sleep(5500 * time.Millisecond)

		require.NoError(t, stop())
		require.Equal(t, []float64{1, 2, 3, 4, 5}, one.seconds())
		require.Zero(t, stats(t, g, "one").Dropped)
		require.Equal(t, []float64{1, 3, 5}, two.seconds())
		require.EqualValues(t, 3, stats(t, g, "two").Dropped)
	})
}

func TestRunNowInFlightDropsTicks(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		add(t, g, "a", d.taking(2*time.Second))
		stop := start(t, g)
		time.Sleep(500 * time.Millisecond)

		require.NoError(t, g.RunNow(t.Context(), "a")) // from 0.5 s to 2.5 s
		time.Sleep(time.Second)
		require.Equal(t, []float64{0.5, 3}, d.seconds())
		require.EqualValues(t, 2, stats(t, g, "a").Dropped)
		require.NoError(t, stop())
	})
}

// A sleepy clock is the clock of a process that stands still for an hour: its first After fires
// late. An After that is due already takes a moment, in which a run may end.
type sleepy struct {
	clock.Clock
	first sync.Once
}

func (s *sleepy) After(d time.Duration) <-chan time.Time {
	s.first.Do(func() { d += time.Hour })
	if d <= 0 {
		time.Sleep(time.Nanosecond)
	}
	return s.Clock.After(d)
}

// The process stood still: one run follows, late, and no burst.
func TestNoBurstAfterPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGC(t, gc.Config{Clock: &sleepy{Clock: clock.System()}})
		d := newDiary()
		require.NoError(t, g.Add(gc.Task{ID: "a", Interval: 7 * time.Second, Run: d.taking(0)}))
		stop := start(t, g)
		time.Sleep(time.Hour + 20*time.Second)

		require.NoError(t, stop())
		require.Equal(t, []float64{3607, 3612, 3619}, d.seconds()) // 3612 is 516 x 7
		s := stats(t, g, "a")
		require.EqualValues(t, 514, s.Dropped)
		require.Equal(t, time.Hour, s.PeriodJitter.Max)
		require.Zero(t, s.PeriodJitter.P50)
		require.InDelta(t, 3600.0/7, s.PeriodJitterShare.Max, 1e-9)
		require.EqualValues(t, 3, s.PeriodJitterShare.Count)
	})
}

func TestJitterVariesEachPeriod(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		require.NoError(t, g.Add(gc.Task{ID: "a", Interval: time.Second, Jitter: 0.25, Run: d.taking(0)}))
		stop := start(t, g)
		time.Sleep(1000 * time.Second)
		require.NoError(t, stop())

		var periods []float64
		previous := 0.0
		for _, at := range d.seconds() {
			periods = append(periods, at-previous)
			previous = at
		}
		require.InDelta(t, 1000, len(periods), 50) // a mean of a second; 11 standard deviations
		require.GreaterOrEqual(t, slices.Min(periods), 0.75-1e-6)
		require.LessOrEqual(t, slices.Max(periods), 1.25+1e-6)
		require.Less(t, slices.Min(periods), 0.80) // all of the range is used; (9/10)^1000 otherwise
		require.Greater(t, slices.Max(periods), 1.20)
		require.Zero(t, stats(t, g, "a").Dropped)
		require.Zero(t, stats(t, g, "a").PeriodJitter.Max) // late by the plan, not by the interval
	})
}

func TestLongestIntervalIsNever(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		never := gc.Task{Interval: math.MaxInt64, Run: func(context.Context) error { t.Error("it ran"); return nil }}
		for i := range 40 { // for jitter may go either way
			never.ID = strconv.Itoa(i)
			require.NoError(t, g.Add(never))
			never.Jitter = 0.9
		}
		stop := start(t, g)
		time.Sleep(time.Hour)
		require.NoError(t, stop())
	})
}

func TestStopCancelsAndWaits(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		reason := errors.New("closing time")
		var cause error
		lingering := func(ctx context.Context) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			time.Sleep(3 * time.Second)
			return ctx.Err()
		}
		task := gc.Task{ID: "a", Interval: time.Second, Timeout: 2 * time.Second, Run: lingering}
		require.NoError(t, g.Add(task))
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		time.Sleep(1500 * time.Millisecond)

		cancel(reason)
		cancel(nil) // twice is harmless
		stopped := time.Now()
		synctest.Wait()
		require.ErrorIs(t, g.Run(t.Context()), gc.ErrRunning, "while it waits")
		require.NoError(t, <-ended)
		require.Equal(t, 3*time.Second, time.Since(stopped))
		require.Equal(t, reason, cause)
		s := stats(t, g, "a")
		require.Equal(t, [3]uint64{1, 0, 1}, [3]uint64{s.Runs, s.Errors, s.Canceled})
		require.Zero(t, s.Timeouts, "its context had ended before")
	})
}

// A slow clock takes a second to make an After.
type slow struct{ clock.Clock }

func (s slow) After(d time.Duration) <-chan time.Time {
	time.Sleep(time.Second)
	return s.Clock.After(d)
}

// Run leaves no goroutine behind, whether it ends during a run or between two.
func TestStopWaitsForLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGC(t, gc.Config{Clock: slow{clock.System()}})
		add(t, g, "a", nothing)
		begun := time.Now()
		require.NoError(t, start(t, g)())
		require.Equal(t, time.Second, time.Since(begun))
	})
}

// A run that RunNow started is stopped like any other.
func TestStopCancelsRunNow(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		add(t, g, "a", func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(3 * time.Second)
			return ctx.Err()
		})
		stop := start(t, g)
		called := runNow(t.Context(), g, "a")
		synctest.Wait()

		stopped := time.Now()
		require.NoError(t, stop())
		require.Equal(t, 3*time.Second, time.Since(stopped))
		require.ErrorIs(t, <-called, context.Canceled)
	})
}

func TestSecondRun(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		add(t, g, "a", d.taking(0))
		stop := start(t, g)
		require.ErrorIs(t, g.Run(t.Context()), gc.ErrRunning)
		time.Sleep(1500 * time.Millisecond)
		require.NoError(t, stop())

		time.Sleep(time.Minute)
		stop = start(t, g) // at 61.5 s
		time.Sleep(1500 * time.Millisecond)
		require.NoError(t, stop())
		require.Equal(t, []float64{1, 62.5}, d.seconds())
	})
}

func TestRunWithEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := newGC(t, gc.Config{})
	add(t, g, "a", nothing)
	require.NoError(t, g.Run(ctx))
	require.NoError(t, g.Run(ctx))
	require.Zero(t, stats(t, g, "a").Runs)
}

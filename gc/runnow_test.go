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

// runNow calls RunNow in a goroutine and returns where its error will be.
func runNow(ctx context.Context, g *gc.GC, id string) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- g.RunNow(ctx, id) }()
	synctest.Wait()
	return ended
}

func TestRunNowReturnsTheErrorAsItIs(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		broken := errors.New("broken")
		add(t, g, "good", nothing)
		add(t, g, "bad", func(context.Context) error { return broken })
		require.NoError(t, g.RunNow(t.Context(), "good"))
		require.Equal(t, broken, g.RunNow(t.Context(), "bad"))
	})
}

func TestRunNowJoinsTheRunInFlight(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		broken := errors.New("broken")
		d := newDiary()
		add(t, g, "a", func(ctx context.Context) error {
			_ = d.taking(9500 * time.Millisecond)(ctx)
			return broken
		})
		stop := start(t, g)
		first := runNow(t.Context(), g, "a")
		time.Sleep(5 * time.Second)
		second := runNow(t.Context(), g, "a")
		time.Sleep(4 * time.Second)
		require.Empty(t, first)
		require.Empty(t, second)

		require.Equal(t, broken, <-first)
		require.Equal(t, broken, <-second)
		require.Equal(t, []float64{0}, d.seconds())
		require.NoError(t, stop())
	})
}

func TestRunNowJoinsTheScheduledRun(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		add(t, g, "a", d.taking(700*time.Millisecond))
		stop := start(t, g)
		time.Sleep(1500 * time.Millisecond)
		require.NoError(t, g.RunNow(t.Context(), "a"))
		require.Equal(t, 1700*time.Millisecond, time.Since(d.made))
		require.Equal(t, []float64{1}, d.seconds())
		require.NoError(t, stop())
	})
}

// The caller that started the run leaves at once. The callers that joined get its result.
func TestRunOutlivesTheCallerWhoStartedIt(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		add(t, g, "a", func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Second):
				return nil
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first := runNow(ctx, g, "a")
		second := runNow(t.Context(), g, "a")

		begun := time.Now()
		require.Equal(t, context.DeadlineExceeded, <-first)
		require.Equal(t, time.Second, time.Since(begun))
		require.NoError(t, <-second)
		require.Equal(t, 10*time.Second, time.Since(begun))
	})
}

// When the last caller leaves, the run is cancelled. A later caller waits for its end and gets a
// new run.
func TestLastCallerCancelsTheRun(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		enough := errors.New("enough")
		d := newDiary()
		var causes []error
		add(t, g, "a", func(ctx context.Context) error {
			d.note()
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Second):
			}
			causes = append(causes, context.Cause(ctx))
			time.Sleep(2 * time.Second)
			return ctx.Err()
		})
		ctx, cancel := context.WithCancelCause(t.Context())
		first, second := runNow(ctx, g, "a"), runNow(ctx, g, "a")
		time.Sleep(time.Second)
		cancel(enough)
		require.Equal(t, context.Canceled, <-first)
		require.Equal(t, context.Canceled, <-second)
		require.Equal(t, time.Second, time.Since(d.made), "callers leave at once")
		synctest.Wait()

		require.NoError(t, g.RunNow(t.Context(), "a"))
		require.Equal(t, []float64{0, 3}, d.seconds())
		require.Equal(t, []error{enough, nil}, causes)
	})
}

// A run whose context has ended is not joined. Callers wait for its end and get a new run, or none
// if the task was removed by then.
func TestRunNowDoesNotJoinADyingRun(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		task := gc.Task{ID: "a", Interval: time.Hour, Timeout: time.Second, Run: d.taking(3 * time.Second)}
		require.NoError(t, g.Add(task))
		first := runNow(t.Context(), g, "a")
		time.Sleep(2 * time.Second)
		second := runNow(t.Context(), g, "a")
		require.NoError(t, <-first)
		require.NoError(t, <-second)
		require.Equal(t, []float64{0, 3}, d.seconds())

		third := runNow(t.Context(), g, "a")
		time.Sleep(2 * time.Second)
		fourth := runNow(t.Context(), g, "a")
		require.True(t, g.Remove("a"))
		require.NoError(t, <-third)
		require.ErrorIs(t, <-fourth, gc.ErrRemoved)
		require.Equal(t, []float64{0, 3, 6}, d.seconds())
	})
}

// The schedule counts as a waiting caller: callers that leave do not end a run that it started.
func TestCallersWhoLeaveDoNotEndTheScheduledRun(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		var err error
		add(t, g, "a", func(ctx context.Context) error {
			time.Sleep(900 * time.Millisecond)
			err = ctx.Err()
			return err
		})
		stop := start(t, g)
		time.Sleep(1500 * time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		called := runNow(ctx, g, "a")
		cancel()
		require.Equal(t, context.Canceled, <-called)
		time.Sleep(450 * time.Millisecond)
		synctest.Wait()
		require.NoError(t, err)
		require.EqualValues(t, 1, stats(t, g, "a").Runs)
		require.NoError(t, stop())
	})
}

func TestRunNowWithEndedContextStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := newGC(t, gc.Config{})
	add(t, g, "a", nothing)
	require.Equal(t, context.Canceled, g.RunNow(ctx, "a"))
	require.Zero(t, stats(t, g, "a").Runs)
}

func TestRunHasTheValuesOfItsCaller(t *testing.T) {
	type key struct{}
	g := newGC(t, gc.Config{})
	var got any
	add(t, g, "a", func(ctx context.Context) error {
		got = ctx.Value(key{})
		return nil
	})
	require.NoError(t, g.RunNow(context.WithValue(t.Context(), key{}, "mine"), "a"))
	require.Equal(t, "mine", got)
}

func TestRunNowFromWithinTheTask(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		add(t, g, "a", func(ctx context.Context) error { return g.RunNow(ctx, "b") })
		add(t, g, "b", func(ctx context.Context) error { return g.RunNow(context.WithoutCancel(ctx), "a") })
		require.Equal(t, gc.ErrReentrant, g.RunNow(t.Context(), "a"))
		require.Equal(t, gc.ErrReentrant, g.RunNow(t.Context(), "b"))
	})
}

// A context that comes from an earlier run is no re-entry.
func TestRunNowWithTheContextOfAPastRun(t *testing.T) {
	g := newGC(t, gc.Config{})
	var past context.Context
	add(t, g, "a", func(ctx context.Context) error {
		past = context.WithoutCancel(ctx)
		return nil
	})
	require.NoError(t, g.RunNow(t.Context(), "a"))
	require.NoError(t, g.RunNow(past, "a"))
}

func TestRunAllRunsAtOnceAndJoinsErrors(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		broken, lost := errors.New("broken"), errors.New("lost")
		for id, err := range map[string]error{"b": broken, "a": lost, "c": nil} {
			add(t, g, id, func(context.Context) error { time.Sleep(time.Second); return err })
		}
		begun := time.Now()
		err := g.RunAll(t.Context())
		require.Equal(t, time.Second, time.Since(begun))
		require.ErrorIs(t, err, broken)
		require.ErrorIs(t, err, lost)
		require.EqualError(t, err, "gc: task \"a\": lost\ngc: task \"b\": broken")
		require.EqualValues(t, 1, stats(t, g, "c").Runs)
	})
}

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

// runNext calls RunNext in a goroutine and returns where its error will be.
func runNext(ctx context.Context, g *gc.GC, id string) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- g.RunNext(ctx, id) }()
	synctest.Wait()
	return ended
}

// A jobKey is the key of a job's name in a context.
type jobKey struct{}

func job(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, jobKey{}, name)
}

// jobs runs a script with a task "a" whose runs take a second, or until they are cancelled. Each
// notes the name of its job and returns it as its error.
func jobs(t *testing.T, play func(t *testing.T, g *gc.GC, done *[]string)) {
	t.Helper()
	script(t, func(t *testing.T, g *gc.GC) {
		var done []string
		require.NoError(t, g.Add(gc.Task{ID: "a", Interval: time.Hour, Run: func(ctx context.Context) error {
			name, _ := ctx.Value(jobKey{}).(string)
			done = append(done, name)
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(time.Second):
				return errors.New(name)
			}
		}}))
		play(t, g, &done)
	})
}

func TestRunNextHasARunOfItsOwn(t *testing.T) {
	jobs(t, func(t *testing.T, g *gc.GC, done *[]string) {
		begun := time.Now()
		var calls []<-chan error
		names := []string{"1", "2", "3", "4"}
		for _, name := range names {
			calls = append(calls, runNext(job(t.Context(), name), g, "a"))
		}
		for i, name := range names {
			require.EqualError(t, <-calls[i], name)
			require.Equal(t, time.Duration(i+1)*time.Second, time.Since(begun), "one after the other")
			require.EqualValues(t, i+1, stats(t, g, "a").Runs)
		}
		require.Equal(t, names, *done)
	})
}

// The schedule started the run in flight. The run that follows out of the queue drops ticks as any
// run does.
func TestRunNextQueuesBehindTheScheduledRun(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		add(t, g, "a", d.taking(1700*time.Millisecond))
		stop := start(t, g)
		time.Sleep(1500 * time.Millisecond)
		first, second := runNext(t.Context(), g, "a"), runNext(t.Context(), g, "a")
		require.NoError(t, <-first)
		require.Equal(t, 4400*time.Millisecond, time.Since(d.made))
		require.NoError(t, <-second)
		require.EqualValues(t, 5, stats(t, g, "a").Dropped, "2, 3, 4, 5, 6")
		time.Sleep(time.Second)
		require.Equal(t, []float64{1, 2.7, 4.4, 7}, d.seconds(), "the schedule keeps its phase")
		require.NoError(t, stop())
	})
}

// A run out of the queue ends, and the next one starts, at the very moment of a tick. That tick
// waits for the run, and does not find a free moment in between.
func TestTickBetweenTwoRunsOutOfTheQueue(t *testing.T) {
	for range 20 {
		script(t, func(t *testing.T, g *gc.GC) {
			d := newDiary()
			add(t, g, "a", d.taking(time.Second))
			first, second := runNext(t.Context(), g, "a"), runNext(t.Context(), g, "a")
			stop := start(t, g)
			require.NoError(t, <-first)
			require.NoError(t, <-second)
			time.Sleep(500 * time.Millisecond)
			require.Equal(t, []float64{0, 1, 2}, d.seconds())
			require.EqualValues(t, 1, stats(t, g, "a").Dropped)
			require.NoError(t, stop())
		})
	}
}

func TestCallerThatLeavesTheQueue(t *testing.T) {
	jobs(t, func(t *testing.T, g *gc.GC, done *[]string) {
		leaves, leave := context.WithCancelCause(t.Context())
		first := runNext(job(t.Context(), "1"), g, "a")
		second := runNext(job(leaves, "2"), g, "a")
		third := runNext(job(t.Context(), "3"), g, "a")
		leave(errors.New("enough"))
		begun := time.Now()
		require.Equal(t, context.Canceled, <-second)
		require.Equal(t, begun, time.Now(), "at once")
		require.EqualError(t, <-first, "1")
		require.EqualError(t, <-third, "3")
		require.Equal(t, []string{"1", "3"}, *done)
	})
}

// The caller whose context ends cancels its own run, not those of others.
func TestEndOfItsContextCancelsTheRun(t *testing.T) {
	jobs(t, func(t *testing.T, g *gc.GC, done *[]string) {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(job(t.Context(), "1"), 500*time.Millisecond)
		defer cancel()
		first, second := runNext(ctx, g, "a"), runNext(job(t.Context(), "2"), g, "a")
		require.Equal(t, context.DeadlineExceeded, <-first)
		require.EqualError(t, <-second, "2")
		require.Equal(t, 1500*time.Millisecond, time.Since(begun))
		require.EqualValues(t, 1, stats(t, g, "a").Canceled)
		require.Equal(t, []string{"1", "2"}, *done)
	})
}

// A caller of RunNow shares the run, and the end of the other's context does not fail it.
func TestRunNowJoinsARunOfRunNext(t *testing.T) {
	jobs(t, func(t *testing.T, g *gc.GC, done *[]string) {
		ctx, cancel := context.WithCancel(job(t.Context(), "1"))
		first := runNext(ctx, g, "a")
		joined := runNow(t.Context(), g, "a")
		cancel()
		require.Equal(t, context.Canceled, <-first)
		require.EqualError(t, <-joined, "1")
		require.Equal(t, []string{"1"}, *done)
	})
}

// A caller of RunNow that cannot join the run in flight joins the first run in the queue. So it
// waits for one run that is not its own, however long the queue is.
func TestRunNowJoinsTheFirstInTheQueue(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		task := gc.Task{ID: "a", Interval: time.Hour, Timeout: time.Second, Run: d.taking(3 * time.Second)}
		require.NoError(t, g.Add(task))
		first := runNext(t.Context(), g, "a")
		leaves, leave := context.WithCancel(t.Context())
		second, third := runNext(leaves, g, "a"), runNext(t.Context(), g, "a")
		time.Sleep(2 * time.Second)
		late := runNow(t.Context(), g, "a")
		leave()
		require.Equal(t, context.Canceled, <-second)
		require.NoError(t, <-first)
		require.NoError(t, <-late)
		require.Equal(t, 6*time.Second, time.Since(d.made))
		require.NoError(t, <-third)
		require.Equal(t, []float64{0, 3, 6}, d.seconds())
		require.EqualValues(t, 3, stats(t, g, "a").Timeouts, "each counts from the start of its run")
	})
}

func TestRemoveEndsTheQueue(t *testing.T) {
	hanging(t, func(t *testing.T, g *gc.GC, free chan struct{}, _ *logbook) {
		first, second, third := runNext(t.Context(), g, "a"), runNext(t.Context(), g, "a"), runNext(t.Context(), g, "a")
		require.True(t, g.Remove("a"))
		require.ErrorIs(t, <-second, gc.ErrRemoved)
		require.ErrorIs(t, <-third, gc.ErrRemoved)
		require.Empty(t, first, "its run has started")

		minutely(t, g, "a", func(context.Context) error { return errors.New("mine") })
		fourth := runNext(t.Context(), g, "a")
		require.Empty(t, fourth, "it waits for the run of the removed task")
		close(free)
		require.NoError(t, <-first)
		require.EqualError(t, <-fourth, "mine")
	})
}

// The end of Run cancels the run in flight, and does not wait for the queue.
func TestQueueOutlivesRun(t *testing.T) {
	jobs(t, func(t *testing.T, g *gc.GC, done *[]string) {
		stop := start(t, g)
		first, second := runNext(job(t.Context(), "1"), g, "a"), runNext(job(t.Context(), "2"), g, "a")
		begun := time.Now()
		require.NoError(t, stop())
		require.Equal(t, begun, time.Now())
		require.Equal(t, context.Canceled, <-first)
		require.EqualError(t, <-second, "2")
		require.Equal(t, []string{"1", "2"}, *done)
	})
}

func TestRunNextRefuses(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		require.ErrorIs(t, g.RunNext(t.Context(), "a"), gc.ErrUnknownTask)
		add(t, g, "a", func(ctx context.Context) error { return g.RunNext(ctx, "b") })
		add(t, g, "b", func(ctx context.Context) error { return g.RunNext(context.WithoutCancel(ctx), "a") })
		require.Equal(t, gc.ErrReentrant, g.RunNext(t.Context(), "a"))
		require.Equal(t, gc.ErrReentrant, g.RunNow(t.Context(), "b"))

		before := stats(t, g, "a").Runs
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Equal(t, context.Canceled, g.RunNext(ctx, "a"))
		require.Equal(t, before, stats(t, g, "a").Runs)
	})
}

// A task that panics or hangs does not lose the queue.
func TestQueueSurvivesPanics(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		add(t, g, "a", func(ctx context.Context) error {
			time.Sleep(time.Second)
			panic(ctx.Value(jobKey{}))
		})
		first, second := runNext(job(t.Context(), "1"), g, "a"), runNext(job(t.Context(), "2"), g, "a")
		require.EqualError(t, <-first, "gc: task panicked: 1")
		require.EqualError(t, <-second, "gc: task panicked: 2")
		require.EqualValues(t, 2, stats(t, g, "a").Panics)
	})
}

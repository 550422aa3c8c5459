package gc_test

import (
	"context"
	"math"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hostlife/hostlife/gc_test.runForEver"))
}

// newGC returns a GC with a valid Config.
func newGC(t testing.TB, c gc.Config) *gc.GC {
	t.Helper()
	g, err := gc.New(c)
	require.NoError(t, err)
	return g
}

// script runs a time script in a bubble: time.Sleep moves the time, synctest.Wait waits until all
// goroutines block. A goroutine that is left at the end fails the test.
func script(t *testing.T, play func(*testing.T, *gc.GC)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { play(t, newGC(t, gc.Config{})) })
}

// start starts g.Run, and returns a function that stops it, waits for it and returns its error.
func start(t *testing.T, g *gc.GC) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	synctest.Wait()
	return func() error {
		cancel()
		return <-ended
	}
}

// add adds a task that runs every second.
func add(t *testing.T, g *gc.GC, id string, run func(context.Context) error) {
	t.Helper()
	require.NoError(t, g.Add(gc.Task{ID: id, Interval: time.Second, Run: run}))
}

func stats(t *testing.T, g *gc.GC, id string) gc.TaskStats {
	t.Helper()
	s, ok := g.Stats(id)
	require.True(t, ok)
	return s
}

// A diary notes when runs start, as the time since it was made.
type diary struct {
	made time.Time

	mu      sync.Mutex // guards entries
	entries []time.Duration
}

func newDiary() *diary { return &diary{made: time.Now()} }

func (d *diary) note() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, time.Since(d.made))
}

func (d *diary) seconds() []float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	seconds := make([]float64, len(d.entries))
	for i, at := range d.entries {
		seconds[i] = at.Seconds()
	}
	return seconds
}

// taking returns a run that takes d and notes its starts.
func (d *diary) taking(how time.Duration) func(context.Context) error {
	return func(context.Context) error {
		d.note()
		time.Sleep(how)
		return nil
	}
}

func nothing(context.Context) error { return nil }

// untilTold is a run that ends when its context does.
func untilTold(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestNewRejectsANilClock(t *testing.T) {
	_, err := gc.New(gc.Config{Clock: (*clock.Mock)(nil)})
	require.ErrorIs(t, err, gc.ErrInvalid)
	require.ErrorContains(t, err, "Config.Clock is a nil *clock.Mock")
}

func TestAddRejectsWhatCannotRun(t *testing.T) {
	g := newGC(t, gc.Config{})
	good := gc.Task{ID: "a", Interval: time.Second, Run: nothing}
	for says, spoil := range map[string]func(*gc.Task){
		"ID is empty": func(t *gc.Task) { t.ID = "" },
		"Run is nil":  func(t *gc.Task) { t.Run = nil },
		"0s is not":   func(t *gc.Task) { t.Interval = 0 },
		"-1s is not":  func(t *gc.Task) { t.Interval = -time.Second },
		"is negative": func(t *gc.Task) { t.Timeout = -1 },
		"-0.1 is not": func(t *gc.Task) { t.Jitter = -0.1 },
		"1 is not":    func(t *gc.Task) { t.Jitter = 1 },
		"NaN is not":  func(t *gc.Task) { t.Jitter = math.NaN() },
		"+Inf is not": func(t *gc.Task) { t.Jitter = math.Inf(1) },
	} {
		task := good
		spoil(&task)
		err := g.Add(task)
		require.ErrorIs(t, err, gc.ErrInvalid)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "gc: ")
	}
	require.NoError(t, g.Add(good))
	require.ErrorIs(t, g.Add(good), gc.ErrDuplicateTask)
}

func TestUnknownTask(t *testing.T) {
	g := newGC(t, gc.Config{})
	require.False(t, g.Remove("unknown"))
	require.ErrorIs(t, g.RunNow(t.Context(), "unknown"), gc.ErrUnknownTask)
	_, ok := g.Stats("unknown")
	require.False(t, ok)
	require.NoError(t, g.RunAll(t.Context()))
}

func TestRemoveStopsTheSchedule(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		add(t, g, "a", d.taking(0))
		stop := start(t, g)
		time.Sleep(2500 * time.Millisecond)

		require.True(t, g.Remove("a"))
		require.False(t, g.Remove("a"))
		time.Sleep(time.Minute)
		require.Equal(t, []float64{1, 2}, d.seconds())
		require.NoError(t, stop())
	})
}

func TestRemoveEndsTheGoroutine(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		stop := start(t, g)
		before := runtime.NumGoroutine()
		for i := range 100 {
			add(t, g, strconv.Itoa(i), nothing)
		}
		for i := range 100 {
			require.True(t, g.Remove(strconv.Itoa(i)))
		}
		synctest.Wait()
		require.Less(t, runtime.NumGoroutine(), before+50)
		require.NoError(t, stop())
	})
}

// The runs end at the very moment of a tick.
func TestRemovedTaskRunsNoMore(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := newDiary()
		const ids = "abcdefghijklmnop"
		for _, id := range ids {
			add(t, g, string(id), d.taking(time.Second))
		}
		stop := start(t, g)
		time.Sleep(1500 * time.Millisecond)
		for _, id := range ids {
			require.True(t, g.Remove(string(id)))
		}
		time.Sleep(time.Minute)
		require.Len(t, d.seconds(), len(ids))
		require.NoError(t, stop())
	})
}

func TestRemoveCancelsTheRunInFlight(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		var cause error
		add(t, g, "a", func(ctx context.Context) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ctx.Err()
		})
		stop := start(t, g)
		time.Sleep(1500 * time.Millisecond)
		ended := runNow(t.Context(), g, "a")

		require.True(t, g.Remove("a"))
		require.ErrorIs(t, <-ended, gc.ErrRemoved)
		require.ErrorIs(t, cause, gc.ErrRemoved)
		require.NoError(t, stop())
	})
}

func TestTaskRemovesItself(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		add(t, g, "a", func(ctx context.Context) error {
			g.Remove("a")
			return ctx.Err()
		})
		stop := start(t, g)
		time.Sleep(time.Minute)
		_, ok := g.Stats("a")
		require.False(t, ok)
		require.NoError(t, stop())
	})
}

// A task with the ID of a removed one does not run during the last run of that one, neither at its
// ticks nor for RunNow, and RunNow does not return the result of that run.
func TestSuccessorWaitsForRemovedRun(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		add(t, g, "a", func(context.Context) error { time.Sleep(5200 * time.Millisecond); return nil })
		stop := start(t, g)
		time.Sleep(1500 * time.Millisecond) // its run is in flight until 6.2 s
		require.True(t, g.Remove("a"))
		d := newDiary() // at 1.5 s
		add(t, g, "a", d.taking(0))

		require.NoError(t, g.RunNow(t.Context(), "a"))
		require.Equal(t, []float64{4.7}, d.seconds())
		time.Sleep(time.Second)
		require.Equal(t, []float64{4.7, 5}, d.seconds())
		require.EqualValues(t, 4, stats(t, g, "a").Dropped)
		require.NoError(t, stop())
	})
}

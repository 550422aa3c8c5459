package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	pkggc "d7y.io/dragonfly/v2/pkg/gc"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/dragonfly/tasks"
)

// A log collects lines.
type log struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (l *log) Infof(template string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(template, args...))
}

func (l *log) Errorf(template string, args ...any) { l.Infof(template, args...) }

func (l *log) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

type runner func(context.Context) error

func (r runner) RunGC(ctx context.Context) error { return r(ctx) }

// every is a task that runs each minute.
func every(run runner) pkggc.Task {
	return pkggc.Task{ID: "task", Interval: time.Minute, Timeout: 30 * time.Second, Runner: run}
}

func open(t *testing.T, o tasks.Options) *tasks.Tasks {
	t.Helper()
	g, err := tasks.New(o)
	require.NoError(t, err)
	return g
}

// This shows a defect of Dragonfly's own code, and that it is absent here.
func TestRunsOfATaskDoNotOverlap(t *testing.T) {
	for name, open := range map[string]func() pkggc.GC{
		"dragonfly": func() pkggc.GC { return pkggc.New(pkggc.WithLogger(&log{})) },
		"hostlife":  func() pkggc.GC { return open(t, tasks.Options{}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := open()
				var now, most, runs atomic.Int32
				require.NoError(t, g.Add(every(func(context.Context) error {
					most.Store(max(most.Load(), now.Add(1)))
					time.Sleep(90 * time.Second)
					now.Add(-1)
					runs.Add(1)
					return nil
				})))
				g.Start(t.Context())
				for range 3 {
					require.NoError(t, g.Run(t.Context(), "task"))
				}
				time.Sleep(10 * time.Minute)
				g.Stop()
				time.Sleep(10 * time.Minute)
				require.Equal(t, name == "dragonfly", most.Load() > 1, most.Load())
				require.GreaterOrEqual(t, runs.Load(), int32(3))
			})
		})
	}
}

// A run that hangs is the only run of its task. The log says so while it hangs.
func TestDroppedTicksAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := &log{}
		g := open(t, tasks.Options{Logger: lines})
		free := make(chan struct{})
		require.NoError(t, g.Add(every(func(context.Context) error { <-free; return nil })))
		g.Start(t.Context())
		time.Sleep(7*time.Minute - time.Second)
		synctest.Wait()
		require.Equal(t, []string{
			"task GC start", "task GC timeout",
			"task GC still running after 1m0s, ticks dropped: 1",
			"task GC still running after 2m0s, ticks dropped: 2",
			"task GC still running after 4m0s, ticks dropped: 4",
		}, lines.take())
		stats, _ := g.Stats("task")
		require.EqualValues(t, 5, stats.Dropped)
		require.Equal(t, time.Now().Add(-6*time.Minute+time.Second), stats.RunningSince)
		close(free)
		g.Stop()
		synctest.Wait()
		require.ElementsMatch(t, []string{"task GC stop"}, lines.take())
	})
}

func TestEachTriggerHasARunWithItsValues(t *testing.T) {
	for _, endAt := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := open(t, tasks.Options{EndAtTimeout: endAt})
			var ids []any
			require.NoError(t, g.Add(every(func(ctx context.Context) error {
				time.Sleep(time.Second)
				ids = append(ids, ctx.Value(pkggc.ContextKeyTaskID))
				return ctx.Err()
			})))
			for i := range 3 {
				require.NoError(t, g.Run(context.WithValue(t.Context(), pkggc.ContextKeyTaskID, i), "task"))
				synctest.Wait()
			}
			g.RunAll(t.Context())
			time.Sleep(time.Minute)
			synctest.Wait()
			require.Equal(t, []any{0, 1, 2, nil}, ids)
			require.EqualError(t, g.Run(t.Context(), "other"), "can not find task other")
			stats, ok := g.Stats("task")
			require.True(t, ok)
			require.EqualValues(t, 4, stats.Runs)
		})
	}
}

func TestTheContextEndsAtTheTimeoutIfAsked(t *testing.T) {
	for _, endAt := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			lines := &log{}
			g := open(t, tasks.Options{Logger: lines, EndAtTimeout: endAt})
			require.NoError(t, g.Add(every(func(ctx context.Context) error {
				select {
				case <-ctx.Done():
				case <-time.After(40 * time.Second):
				}
				return ctx.Err()
			})))
			g.Start(t.Context())
			time.Sleep(105 * time.Second)
			g.Stop()
			synctest.Wait()
			want := []string{"task GC start", "task GC timeout", "task GC stop"}
			if endAt {
				want = []string{"task GC start", "task GC timeout", "task GC error: context canceled", "task GC stop"}
			}
			require.ElementsMatch(t, want, lines.take())
		})
	}
}

func TestARunMayTriggerItsOwnTask(t *testing.T) {
	for _, endAt := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := open(t, tasks.Options{EndAtTimeout: endAt})
			var begun []time.Duration
			start := time.Now()
			require.NoError(t, g.Add(every(func(ctx context.Context) error {
				begun = append(begun, time.Since(start))
				if len(begun) < 3 {
					require.NoError(t, g.Run(ctx, "task"))
				}
				time.Sleep(time.Second)
				return nil
			})))
			require.NoError(t, g.Run(t.Context(), "task"))
			time.Sleep(time.Minute)
			synctest.Wait()
			require.Equal(t, []time.Duration{0, time.Second, 2 * time.Second}, begun)
		})
	}
}

func TestAddReplacesTheRunnerAndTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := open(t, tasks.Options{})
		runs := map[string]int{}
		task := every(func(context.Context) error { runs["old"]++; return nil })
		require.NoError(t, g.Add(task))
		g.Start(t.Context())
		time.Sleep(90 * time.Second)
		task.Runner = runner(func(context.Context) error { runs["new"]++; return nil })
		task.Interval = 10 * time.Minute
		require.NoError(t, g.Add(task))
		time.Sleep(10 * time.Minute)
		g.Stop()
		synctest.Wait()
		require.Equal(t, map[string]int{"old": 1, "new": 1}, runs)
	})
}

func TestFailuresAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := &log{}
		g := open(t, tasks.Options{Logger: lines, EndAtTimeout: true})
		var run runner
		require.NoError(t, g.Add(every(func(ctx context.Context) error { return run(ctx) })))
		for _, x := range []struct {
			run  runner
			want []string
		}{
			{func(context.Context) error { return errors.New("it failed") }, []string{"task GC start", "task GC error: it failed", "task GC done"}},
			{func(context.Context) error { panic("it broke") }, []string{"task GC start", "task GC panic: it broke"}},
		} {
			run = x.run
			require.NoError(t, g.Run(t.Context(), "task"))
			synctest.Wait()
			require.ElementsMatch(t, x.want, lines.take())
		}
		g.Start(t.Context())
		synctest.Wait()
		g.Start(t.Context())
		synctest.Wait()
		require.Equal(t, []string{"GC not started: gc: already running"}, lines.take())
		g.Stop()
		g.Stop()
		synctest.Wait()
		g.Start(t.Context()) // is stopped at once
		synctest.Wait()
		require.Equal(t, []string{"task GC stop", "task GC stop"}, lines.take())
	})
}

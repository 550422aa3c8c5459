package gc_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/gc"
)

// A line is a naive model of the queue: the names of the jobs that wait, in the order of their
// calls. It is also the task.
type line struct {
	g *gc.GC

	mu      sync.Mutex // guards all below
	rnd     *rand.Rand
	waiting []string
	started map[string]int
	flying  int
	faults  []string
}

func (l *line) upTo(d time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 1 + time.Duration(l.rnd.Int64N(int64(d)))
}

// run is the task. The job of RunNext that starts is the first in the line.
func (l *line) run(ctx context.Context) error {
	name, _ := ctx.Value(jobKey{}).(string)
	l.mu.Lock()
	l.started[name]++
	l.flying++
	if i := slices.Index(l.waiting, name); i > 0 || l.flying > 1 {
		l.faults = append(l.faults, fmt.Sprintf("%s starts before %v, %d in flight", name, l.waiting, l.flying))
	} else if i == 0 {
		l.waiting = l.waiting[1:]
	}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.flying--
	}()
	select {
	case <-time.After(l.upTo(2 * time.Second)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// next calls RunNext. A call that returns without error has had one run, with its own values.
func (l *line) next(t *testing.T, name string, limit time.Duration) {
	ctx, cancel := context.WithTimeout(job(t.Context(), name), limit)
	defer cancel()
	l.mu.Lock()
	l.waiting = append(l.waiting, name)
	l.mu.Unlock()
	err := l.g.RunNext(ctx, "a")
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, name); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	if started := l.started[name]; started > 1 || err == nil && started != 1 {
		l.faults = append(l.faults, fmt.Sprintf("%s started %d times, %v", name, started, err))
	}
}

// Callers of RunNext and RunNow and ticks arrive at random, and some leave. Runs never overlap, and
// start in the order of the calls.
func TestQueueIsServedInOrder(t *testing.T) {
	for seed := range uint64(30) {
		script(t, func(t *testing.T, g *gc.GC) {
			l := &line{g: g, rnd: rand.New(rand.NewPCG(seed, 2)), started: map[string]int{}}
			require.NoError(t, g.Add(gc.Task{ID: "a", Interval: 5 * time.Second, Run: l.run}))
			stop := start(t, g)
			var callers sync.WaitGroup
			for i := range 200 {
				time.Sleep(l.upTo(1500 * time.Millisecond))
				switch l.upTo(4) {
				case 1:
					callers.Go(func() { _ = g.RunNow(job(t.Context(), fmt.Sprint("now ", i)), "a") })
				case 2:
					callers.Go(func() { l.next(t, fmt.Sprint(i), l.upTo(10*time.Second)) })
				default:
					callers.Go(func() { l.next(t, fmt.Sprint(i), time.Hour) })
				}
			}
			callers.Wait()
			require.NoError(t, stop())
			require.Empty(t, l.faults)
			require.Empty(t, l.waiting)
			s := stats(t, g, "a")
			require.EqualValues(t, sum(l.started), s.Runs)
		})
	}
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// A thousand callers leave a queue behind a run that hangs. Nothing of them is left.
func TestQueueForgetsCallersThatLeave(t *testing.T) {
	hanging(t, func(t *testing.T, g *gc.GC, free chan struct{}, _ *logbook) {
		first := runNow(t.Context(), g, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var callers sync.WaitGroup
		for range 1000 {
			callers.Go(func() { _ = g.RunNext(ctx, "a") })
		}
		callers.Wait()
		close(free)
		require.NoError(t, <-first)
		require.EqualValues(t, 1, stats(t, g, "a").Runs)
	})
}

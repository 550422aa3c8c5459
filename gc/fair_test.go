package gc_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/gc"
)

// A span is one run. Its end is zero while it is in flight.
type span struct{ start, end time.Time }

// covers reports whether the run was in flight at t, not merely started or ended then.
func (s span) covers(t time.Time) bool {
	return s.start.Before(t) && (s.end.IsZero() || s.end.After(t))
}

// A tenure is the time from the Add of a task to its Remove.
type tenure struct {
	id            string
	interval      time.Duration
	added, ending time.Time // ending is zero while it lasts
}

// An observer writes down the runs of all tasks, and knows from them what must be. All durations
// have random nanoseconds, so no two things happen at one moment by chance.
type observer struct {
	g *gc.GC

	mu      sync.Mutex // guards all below
	rnd     *rand.Rand
	spans   map[string][]span
	tenures map[string]*tenure // by ID: the current ones
	removed map[string][]time.Time
}

func (o *observer) n(n int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rnd.IntN(n)
}

func (o *observer) upTo(d time.Duration) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return 1 + time.Duration(o.rnd.Int64N(int64(d)))
}

// add adds a task whose runs take up to two intervals, fail, panic, exit, or hang for up to 40
// intervals. Half of them ignore their contexts.
func (o *observer) add(t *testing.T, id string) {
	interval := time.Second + o.upTo(time.Second)
	o.mu.Lock()
	o.tenures[id] = &tenure{id: id, interval: interval, added: time.Now()}
	o.mu.Unlock()
	require.NoError(t, o.g.Add(gc.Task{ID: id, Interval: interval, Run: func(ctx context.Context) error {
		defer o.begin(id)()
		takes := o.upTo(2 * interval)
		if o.n(20) == 0 {
			takes = o.upTo(40 * interval)
		}
		return o.work(ctx, takes)
	}}))
}

func (o *observer) begin(id string) (end func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := len(o.spans[id])
	o.spans[id] = append(o.spans[id], span{start: time.Now()})
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.spans[id][i].end = time.Now()
	}
}

func (o *observer) work(ctx context.Context, takes time.Duration) error {
	if o.n(2) == 0 {
		time.Sleep(takes)
	} else {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	switch o.n(6) {
	case 0:
		panic("bad luck")
	case 1:
		return errors.New("bad luck")
	default:
		return nil
	}
}

func (o *observer) remove(id string) {
	o.mu.Lock()
	o.removed[id] = append(o.removed[id], time.Now())
	o.tenures[id].ending = time.Now()
	o.mu.Unlock()
	o.g.Remove(id)
}

// runNow calls RunNow. The caller waits for two runs at most: that in flight, and its own. It
// returns when the latter ends, when its own context ends, or when the task is removed before its
// run has started.
func (o *observer) runNow(t *testing.T, id string, patience time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begun := time.Now()
	err := o.g.RunNow(ctx, id)
	now := time.Now()
	switch {
	case now.Equal(begun) || err != nil && now.Equal(begun.Add(patience)):
		return
	case (errors.Is(err, gc.ErrRemoved) || errors.Is(err, gc.ErrUnknownTask)) && o.wasRemoved(id, now):
		return
	}
	during, last := o.between(id, begun, now)
	require.LessOrEqual(t, during, 2, "%s: called %v, returned %v, %v", id, begun, now, err)
	require.Equal(t, now, last.end, "%s: it returns when the run ends", id)
}

func (o *observer) wasRemoved(id string, at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.removed[id], at.Equal)
}

// between counts the runs of a task that were in flight at any time between two moments.
func (o *observer) between(id string, from, to time.Time) (n int, last span) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.spans[id] {
		if s.start.Before(to) && (s.end.IsZero() || s.end.After(from)) {
			n++
			last = s
		}
	}
	return n, last
}

// checkTicks compares a task with its ticks so far: each tick found a run in flight and was counted
// as dropped at once, or it started a run at once, whatever other tasks did.
func (o *observer) checkTicks(t *testing.T, id string) {
	s := stats(t, o.g, id)
	o.mu.Lock()
	defer o.mu.Unlock()
	of := o.tenures[id]
	dropped, running := uint64(0), time.Time{}
	for tick := of.added.Add(of.interval); tick.Before(time.Now()); tick = tick.Add(of.interval) {
		started, busy := false, false
		for _, run := range o.spans[id] {
			started = started || run.start.Equal(tick)
			busy = busy || run.covers(tick)
		}
		require.True(t, started != busy, "%s at %v: started %v, busy %v", id, tick, started, busy)
		if busy {
			dropped++
		}
	}
	for _, run := range o.spans[id] {
		if run.end.IsZero() {
			running = run.start
		}
	}
	require.Equal(t, dropped, s.Dropped, "%s: ticks are counted when they come", id)
	require.True(t, running.Equal(s.RunningSince), "%s: running since %v, not %v", id, s.RunningSince, running)
}

// Callers and ticks arrive at random, and runs take random times, fail, and hang. No caller waits
// for longer than the run in flight and its own, and no task waits for another one.
func TestNoCallerAndNoTaskStarves(t *testing.T) {
	for seed := range uint64(30) {
		script(t, func(t *testing.T, g *gc.GC) {
			o := &observer{
				g: g, rnd: rand.New(rand.NewPCG(seed, 1)), spans: map[string][]span{},
				tenures: map[string]*tenure{}, removed: map[string][]time.Time{},
			}
			stop := start(t, g)
			const tasks = 4
			for i := range tasks {
				o.add(t, fmt.Sprint(i))
			}
			var callers sync.WaitGroup
			for range 400 {
				time.Sleep(o.upTo(600 * time.Millisecond))
				synctest.Wait()
				id := fmt.Sprint(o.n(tasks))
				switch o.n(8) {
				case 0:
					o.remove(id)
					o.add(t, id)
				case 1:
					callers.Go(func() { o.runNow(t, id, o.upTo(3*time.Second)) })
				case 2, 3:
					callers.Go(func() { o.runNow(t, id, time.Hour) })
				default:
					o.checkTicks(t, id)
				}
			}
			require.NoError(t, stop())
			callers.Wait()
			time.Sleep(2 * time.Minute) // a run may start after stop, and hang after its callers have gone
		})
	}
}

// RunAll hears of each task as soon as that ends: one that hangs delays no other one.
func TestRunAllHoldsUpNoOtherTask(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		free, ended := make(chan struct{}), newDiary()
		add(t, g, "a", func(context.Context) error { <-free; return nil })
		for i := range 100 {
			add(t, g, fmt.Sprint("b", i), func(context.Context) error { ended.note(); return nil })
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := g.RunAll(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, `gc: task "a"`)
		require.NotContains(t, err.Error(), `"b`)
		require.Len(t, ended.seconds(), 100)
		require.Zero(t, ended.seconds()[99])
		close(free)
	})
}

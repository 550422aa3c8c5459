package gc

import (
	"container/list"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/clock"
)

// A flight is one run of a task, from its start until it has returned.
//
// It does not use a singleflight.Group, for two reasons:
//
//   - DoChan never answers if the function calls runtime.Goexit, and ends the process if it panics.
//   - A Group does not know how many callers wait. A separate count would be a second record of the
//     runs in flight. The two would differ from the return of the function until the Group has
//     forgotten the key. In between, a caller may count for one run and get the result of another.
//
// Here one map, under one mutex, is the only record.
type flight struct {
	task    *task
	ctx     context.Context
	cancel  context.CancelCauseFunc
	started time.Time

	waiting  int           // callers, and the loop if it started the run; guarded by GC.mu
	place    *list.Element // in the queue of the task; nil: not queued; guarded by GC.mu
	timedOut atomic.Bool   // the timeout ended the context

	done  chan struct{} // closed when the run has returned and is in the statistics
	ended time.Time     // when it returned; to be read when done is closed, as is err
	err   error         // what the run returned
}

// landed returns a channel that is closed when the flight has ended. If f is nil it never is.
func (f *flight) landed() <-chan struct{} {
	if f == nil {
		return nil
	}
	return f.done
}

func (f *flight) hasLanded() bool {
	select {
	case <-f.landed():
		return true
	default:
		return false
	}
}

// launch starts a run of t for its loop and the given tick; held tells whether the tick was held.
// If a run is in flight under t's ID, launch returns that run and false. It returns nil if the loop
// is over: ctx has ended or t was removed.
//
// Run never waits for a run that it has not told to end, because ctx is checked under the lock.
// Each flight that a loop gets here was in flight, under the lock, before ctx ended. Run looks for
// flights after that, so it finds the flight, unless that has landed.
func (g *GC) launch(ctx context.Context, t *task, tick time.Time, held bool) (f *flight, started bool) {
	now := g.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tasks[t.ID] != t || ctx.Err() != nil {
		return nil, false
	}
	if f = g.flights[t.ID]; f != nil {
		return f, false
	}
	t.stats.late(now.Sub(tick).Abs(), t.Interval)
	if held {
		t.stats.use()
	}
	f = newFlight(ctx, t)
	g.takeOff(f, now)
	return f, true
}

// newFlight returns a flight that has not started, with one caller or loop that waits for it.
func newFlight(ctx context.Context, t *task) *flight {
	f := &flight{task: t, waiting: 1, done: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancelCause(context.WithValue(ctx, t, f))
	return f
}

// takeOff starts a run. The caller holds g.mu and has seen that no run is in flight. So runs never
// overlap.
func (g *GC) takeOff(f *flight, now time.Time) {
	f.started = now
	g.flights[f.task.ID] = f
	f.task.stats.tookOff(now)
	g.lines.Start() // land stops them
	release := clock.Hold(g.clock)
	go func() {
		defer release()
		g.fly(f)
	}()
}

// refuse ends a flight that will not start. It is in no queue any more, so this happens once.
func (f *flight) refuse(err error) {
	f.err = err
	f.cancel(err)
	close(f.done)
}

// fly starts a goroutine for the run, which may panic or exit there, and watches its timeout.
func (g *GC) fly(f *flight) {
	var timeout <-chan time.Time // never, unless there is one
	if f.task.Timeout > 0 {
		timeout = g.clock.After(f.task.Timeout)
	}
	returned := make(chan result, 1)
	go call(f, returned)
	select {
	case r := <-returned:
		g.land(f, r)
	case <-timeout:
		if len(returned) == 0 { // when both are ready, select may choose either
			g.timeOut(f)
		}
		g.land(f, <-returned)
	}
}

// timeOut cancels the context of a run, unless it has ended for another reason.
func (g *GC) timeOut(f *flight) {
	if f.ctx.Err() != nil {
		return
	}
	f.timedOut.Store(true)
	f.cancel(fmt.Errorf("gc: timeout of %v: %w", f.task.Timeout, context.DeadlineExceeded))
	f.task.stats.timeout()
	f.task.logger.LogAttrs(f.ctx, slog.LevelWarn, "gc: task timed out",
		slog.String("task", f.task.ID), slog.Duration("timeout", f.task.Timeout))
}

// land ends a flight. The result goes to the log and the statistics first, and then to the callers,
// so a caller finds its run in the statistics.
func (g *GC) land(f *flight, r result) {
	f.ended = g.clock.Now()
	took := max(0, f.ended.Sub(f.started))
	f.err = r.err
	f.cancel(nil) // from here on no caller joins
	g.log(f, r, took)
	g.clear(f, r.how, took)
	g.lines.Tick()
	// During Run this is not the last Stop, so no run waits for the logger. Without Run, the
	// callers find the line written. If the logger blocks they wait a second, but the next run does
	// not.
	g.lines.Stop()
	close(f.done)
}

// clear ends the record of the flight, and starts the first run in the queue, which has waited
// longer than any caller that comes now.
func (g *GC) clear(f *flight, how ending, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.task.stats.landed(how, took)
	delete(g.flights, f.task.ID)
	if t := g.tasks[f.task.ID]; t != nil && t.queue.first() != nil {
		g.takeOff(t.queue.pop(), f.ended)
	}
}

func (g *GC) log(f *flight, r result, took time.Duration) {
	if r.how == succeeded {
		return
	}
	attrs := []slog.Attr{slog.String("task", f.task.ID), slog.Any("error", r.err), slog.Duration("took", took)}
	if r.stack != nil {
		attrs = append(attrs, slog.String("stack", string(r.stack)))
	}
	f.task.logger.LogAttrs(f.ctx, r.how.level(), "gc: task "+r.how.String(), attrs...)
}

// inFlight returns all flights.
func (g *GC) inFlight() []*flight {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Values(g.flights))
}

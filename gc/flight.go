package gc

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// A flight is one run of a task, from its start until it has returned.
//
// It isn't made of a singleflight.Group, for two reasons. DoChan never answers when the function
// calls runtime.Goexit, and ends the process when it panics. And a Group can't say how many wait:
// who counts them beside it has two records of what is in flight, which differ from the moment the
// function has returned until the Group has forgotten the key, so that a caller may be counted in
// one run and given the result of another. Here one map, under one mutex, is the only record.
type flight struct {
	task    *task
	ctx     context.Context
	cancel  context.CancelCauseFunc
	started time.Time

	waiting  int         // callers of RunNow, and the loop if it started the run; guarded by GC.mu
	timedOut atomic.Bool // the timeout ended the context

	done  chan struct{} // closed when the run has returned and is in the statistics
	ended time.Time     // when it returned; to be read when done is closed, as is err
	err   error         // what the run returned
}

// landed returns what is closed when the flight has ended, or what never is if there is no flight.
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

// launch starts a run of t on behalf of its loop, for the given tick, which has been held or not. If
// a run is in flight under t's ID, launch returns that one and false. It returns nil if the loop
// is over: ctx has ended or t was removed.
//
// That ctx is looked at under the lock is why Run never waits for a run that it has not told to
// end: each flight that a loop ever gets from here was in flight, under the lock, before ctx ended.
// So Run, which looks for flights after that, finds it, unless it has landed.
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

// takeOff starts a run. The caller holds g.mu and has seen that none is in flight, which is why runs
// never overlap.
func (g *GC) takeOff(f *flight, now time.Time) {
	f.started = now
	g.flights[f.task.ID] = f
	f.task.stats.tookOff(now)
	g.lines.Start() // land stops them
	go g.fly(f)
}

// refuse ends a flight that will not be started. It is no task's next any more, so that this happens
// once.
func (f *flight) refuse(err error) {
	f.err = err
	f.cancel(err)
	close(f.done)
}

// fly has the run done in a goroutine of its own, where it may panic or exit, and watches its timeout.
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
	g.logger.LogAttrs(f.ctx, slog.LevelWarn, "gc: task timed out",
		slog.String("task", f.task.ID), slog.Duration("timeout", f.task.Timeout))
}

// land ends a flight: what it was goes to the log and the statistics, and only then to callers that
// wait, so that a caller of RunNow finds its run in the statistics.
func (g *GC) land(f *flight, r result) {
	f.ended = g.clock.Now()
	took := max(0, f.ended.Sub(f.started))
	f.err = r.err
	f.cancel(nil) // from here on nobody joins
	g.log(f, r, took)
	g.clear(f, r.how, took)
	// During Run this is not the last Stop, so no run waits for the logger. Without Run, callers that
	// wait find the line written. If the logger blocks they wait a second, but the next run doesn't.
	g.lines.Stop()
	close(f.done)
}

// clear makes room for the next run, and starts it if callers of RunNow wait for it: they have waited
// longer than any caller that comes now.
func (g *GC) clear(f *flight, how ending, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.task.stats.landed(how, took)
	delete(g.flights, f.task.ID)
	if t := g.tasks[f.task.ID]; t != nil && t.next != nil {
		g.takeOff(t.next, f.ended)
		t.next = nil
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
	g.logger.LogAttrs(f.ctx, r.how.level(), "gc: task "+r.how.String(), attrs...)
}

// inFlight returns all flights.
func (g *GC) inFlight() []*flight {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Values(g.flights))
}

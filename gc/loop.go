package gc

import (
	"context"
	"log/slog"
	"math/bits"
	"time"

	"github.com/hostlife/hostlife/clock"
)

// A loop is the schedule of a task during one Run. One goroutine owns it.
//
// It ticks on while a run is in flight, so that dropped ticks are counted and logged when they
// come. The run may never end.
//
// A run may end at the very moment of a tick, and the loop may see the two in either order. So a
// tick that finds a run in flight is held. It counts as dropped. But if the run ended no later than
// that tick, by the clock reading of land, the tick starts a run after all. So the clock orders the
// two, not the speed of goroutines.
type loop struct {
	gc    *GC
	ctx   context.Context // of Run
	task  *task
	times Task // the task with the interval by which this loop ticks

	waiter *clock.Waiter
	last   time.Time        // the last tick, or the start of the loop
	tick   time.Time        // the next tick
	due    <-chan time.Time // its After
	flight *flight          // the run in flight, started here or found by a tick; nil: none was seen
	missed uint64           // ticks during flight
	held   *time.Time       // the last of these; nil: there is none
	over   bool             // no further run starts
}

// run runs the task at its ticks until ctx ends or the task is removed. Then it goes on until the
// run in flight has ended, and still counts and logs dropped ticks: a run may ignore its context,
// and Run waits for it.
func (l *loop) run() {
	l.waiter.Start()
	defer l.waiter.Stop()
	ended, removed := l.ctx.Done(), l.task.removed
	for l.plan(); !l.over || l.flight != nil; {
		select {
		case <-ended:
			l.over, ended = true, nil
		case <-removed:
			l.over, removed = true, nil
			l.forgetOthers()
		case <-l.flight.landed():
			l.settle()
			l.replan()
		case <-l.waiter.Woken():
			l.adopt()
		case <-l.due:
			l.gc.lines.Tick()
			if !l.adopted() { // when both are ready, select may choose either
				l.pass()
				l.plan()
			}
		}
	}
}

// plan begins to wait for the next tick.
func (l *loop) plan() {
	now := l.gc.clock.Now()
	l.tick = l.times.nearest(l.tick, now)
	l.due = l.waiter.After(l.tick.Sub(now))
}

// replan plans again if the clock has stepped back. Otherwise the present After is right.
func (l *loop) replan() {
	if !l.times.nearest(l.tick, l.gc.clock.Now()).Equal(l.tick) {
		l.plan()
	}
}

// pass uses or holds the tick that has come, and moves on to the next tick.
func (l *loop) pass() {
	if l.flight.hasLanded() { // when both are ready, select may choose either
		l.settle()
	}
	tick, now := l.tick, l.gc.clock.Now()
	next, passed := l.times.following(tick, now)
	l.tick, l.last = next, tick
	if passed > 0 {
		l.last = next.Add(-l.times.Interval)
	}
	switch {
	case l.flight == nil && l.launch(tick):
		l.task.stats.drop(passed) // before this run, while the process stood still
	case l.flight != nil:
		held := l.last
		l.held = &held
		l.miss(plus(passed, 1), now)
	}
}

// launch starts a run for a tick, and reports whether it did. Otherwise it finds the run in flight,
// or nil if the loop is over.
func (l *loop) launch(tick time.Time) (started bool) {
	l.flight, started = l.gc.launch(l.ctx, l.task, tick, l.held != nil)
	l.missed = 0
	return started
}

// settle decides about the held tick after the run in flight has landed. If a RunNow was faster
// than the launch, the tick now waits for that run.
func (l *loop) settle() {
	ended := l.flight.ended
	l.flight = nil
	if l.held == nil || ended.After(*l.held) {
		l.held = nil // dropped, and counted
		return
	}
	switch {
	case l.launch(*l.held):
		l.held = nil
	case l.flight != nil:
		l.missed = 1
	default:
		l.task.stats.use() // neither dropped nor run: the schedule is over
		l.held = nil
	}
}

// miss counts ticks that came during the run in flight. It logs the 1st, 2nd, 4th, 8th of them and
// so on. So the first line comes soon, and a day has only some lines.
func (l *loop) miss(ticks uint64, now time.Time) {
	before := l.missed
	l.missed = plus(before, ticks)
	l.task.stats.drop(ticks)
	if bits.Len64(l.missed) > bits.Len64(before) {
		l.warn(now)
	}
}

// warn logs that a run is still in flight. If this task was removed and another task has its ID
// now, only the loop of that task logs it.
func (l *loop) warn(now time.Time) {
	f, current := l.flight, l.gc.task(l.task.ID)
	if current != nil && current != l.task {
		return
	}
	attrs := []slog.Attr{
		slog.String("task", l.task.ID), slog.Time("since", f.started),
		slog.Duration("for", max(0, now.Sub(f.started))), slog.Uint64("dropped", l.missed),
	}
	if f.task != current {
		attrs = append(attrs, slog.Bool("removed", true))
	}
	l.task.logger.LogAttrs(f.ctx, slog.LevelWarn, "gc: task still running", attrs...)
}

// forgetOthers lets the loop of a removed task end without waiting for a run of another task.
func (l *loop) forgetOthers() {
	if l.flight != nil && l.flight.task != l.task {
		l.flight = nil
	}
}

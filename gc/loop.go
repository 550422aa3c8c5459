package gc

import (
	"context"
	"log/slog"
	"math/bits"
	"time"
)

// A loop is the schedule of a task during one Run. One goroutine owns it.
//
// It goes on ticking while a run is in flight, so that dropped ticks are counted and logged when
// they come, and not once the run has ended, which may be never. What makes this difficult is a run
// that ends at the very moment of a tick: the two come in either order. So a tick that finds a run
// in flight is held. It counts as dropped, but if the run turns out to have ended no later than
// that tick, by the clock, the tick is used for a run after all. What orders the two is the clock
// reading that land takes, never which goroutine was faster.
type loop struct {
	gc   *GC
	ctx  context.Context // of Run
	task *task

	tick   time.Time        // the next one
	due    <-chan time.Time // its After
	flight *flight          // in flight when last seen: started here, or found by a tick; or nil
	missed uint64           // ticks that came during it
	held   *time.Time       // the last of these; nil if there is none
	over   bool             // no run is started any more
}

// run runs the task at its ticks until ctx ends or the task is removed. It then goes on until the
// run that it knows of has ended, so that this one's ticks are still counted and logged: a run may
// ignore its context, and Run waits for it.
func (l *loop) run() {
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
		case <-l.due:
			l.pass()
			l.plan()
		}
	}
}

// plan begins to wait for the next tick.
func (l *loop) plan() {
	now := l.gc.clock.Now()
	l.tick = l.task.nearest(l.tick, now)
	l.due = l.gc.clock.After(l.tick.Sub(now))
}

// replan is plan if the clock has stepped back. Otherwise the After that there is will do.
func (l *loop) replan() {
	if !l.task.nearest(l.tick, l.gc.clock.Now()).Equal(l.tick) {
		l.plan()
	}
}

// pass does what the tick that has come is for, and moves on to the next one.
func (l *loop) pass() {
	if l.flight.hasLanded() { // when both are ready, select may choose either
		l.settle()
	}
	tick, now := l.tick, l.gc.clock.Now()
	next, passed := l.task.following(tick, now)
	l.tick = next
	switch {
	case l.flight == nil && l.launch(tick):
		l.task.stats.drop(passed) // before this run, while the process stood still
	case l.flight != nil:
		if passed > 0 {
			tick = next.Add(-l.task.Interval)
		}
		l.held = &tick
		l.miss(plus(passed, 1), now)
	}
}

// launch starts a run for a tick, or finds the one that is in its way, or finds that the loop is
// over. It says whether it did the first.
func (l *loop) launch(tick time.Time) (started bool) {
	l.flight, started = l.gc.launch(l.ctx, l.task, tick, l.held != nil)
	l.missed = 0
	return started
}

// settle is for when the run in flight has landed: it decides about the tick that is held. If a
// RunNow was faster than the launch, its run is now what the tick waits for.
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

// miss counts ticks that came during the run in flight. It logs the 1st, the 2nd, the 4th, the 8th
// of them and so on, or that there were so many: some lines for a day, and a first one soon.
func (l *loop) miss(ticks uint64, now time.Time) {
	before := l.missed
	l.missed = plus(before, ticks)
	l.task.stats.drop(ticks)
	if bits.Len64(l.missed) > bits.Len64(before) {
		l.warn(now)
	}
}

// warn logs that a run is still in flight. If its task was removed, the loop of the task that has
// the ID now does so, or if there is none, that of the removed one.
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
	l.gc.logger.LogAttrs(f.ctx, slog.LevelWarn, "gc: task still running", attrs...)
}

// forgetOthers has the loop of a removed task not wait for a run that isn't this task's.
func (l *loop) forgetOthers() {
	if l.flight != nil && l.flight.task != l.task {
		l.flight = nil
	}
}

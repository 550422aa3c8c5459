package gc

import (
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
)

// SetInterval replaces the Interval of a task, before Run or while it runs. The task keeps its
// statistics, its run in flight and its queue.
//
// The next tick comes one new interval after the last tick, or at once if that time has passed. So
// a shorter interval takes effect at once, and repeated calls do not put the tick off. Before the
// first tick, the interval counts from the moment at which both Add and Run had been called. An
// interval that equals the present one changes nothing.
//
// It returns ErrUnknownTask, or ErrInvalid if the interval is not positive.
func (g *GC) SetInterval(id string, interval time.Duration) error {
	loop, err := g.replace(id, interval, g.clock.Now())
	if loop != nil {
		loop.Wake() // it looks for the new interval
	}
	return err
}

// replace replaces the interval, and returns the Waiter of the task's loop, if there is one.
func (g *GC) replace(id string, interval time.Duration, now time.Time) (*clock.Waiter, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.tasks[id]
	if t == nil {
		return nil, fmt.Errorf("%w %q", ErrUnknownTask, id)
	}
	changed := t.Task
	changed.Interval = interval
	if err := changed.validate(); err != nil {
		return nil, err
	}
	if interval != t.Interval {
		t.Interval, t.set = interval, now
	}
	return t.waiter, nil
}

// timetable returns the task with its present interval, and when that was set.
func (g *GC) timetable(t *task) (Task, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return t.Task, t.set
}

// adopted adopts the interval if SetInterval has woken the loop, and reports whether it has.
func (l *loop) adopted() bool {
	select {
	case <-l.waiter.Woken():
		l.adopt()
		return true
	default:
		return false
	}
}

// adopt plans the next tick by the present interval. A tick that came before the interval was
// replaced still counts, even if this goroutine is late. So the clock orders the two.
func (l *loop) adopt() {
	times, set := l.gc.timetable(l.task)
	if times.Interval != l.times.Interval {
		if !l.tick.After(set) {
			l.pass()
		}
		l.times, l.tick = times, l.last.Add(times.period())
		if now := l.gc.clock.Now(); l.tick.Before(now) {
			l.tick = now
		}
	}
	l.plan()
}

// Has reports whether a task has that ID.
func (g *GC) Has(id string) bool { return g.task(id) != nil }

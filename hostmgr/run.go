package hostmgr

import (
	"context"
	"time"
)

// Run sweeps at each deadline until ctx is done, and then returns nil; or
// ErrRunning at once if another Run has not returned yet. It returns only when
// all goroutines that it started have, so a Cleanup or Confirm must heed its
// context. (A Write of the Recorder, or a call of the Logger, that hangs is left behind after a
// second.)
//
// While nobody ran this registry it was deaf: a gap between the last sweep (or
// New) and Run that is longer than MaxGap is a stall, as any other.
//
// With a fake clock, move it by at most half of the threshold of stalls at a time (see MaxGap), or
// make MaxGap negative: a leap is a stall. An Announce that brings the next deadline forward
// leaves the After behind that Run waited for.
func (r *Registry[M]) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer r.running.Store(false)
	r.log.Start()
	defer r.log.Stop()
	defer r.follow()()
	defer r.startRecorder()()
	defer r.clean.start(ctx)()
	defer r.asks.Wait()
	defer r.takeBack()
	for ctx.Err() == nil {
		_, due := r.scan(ctx, false)
		r.logStalls()
		r.askAside(ctx, due)
		r.rest(ctx)
	}
	return nil
}

// follow has the threshold of stalls be Run's, until what it returns is called.
func (r *Registry[M]) follow() (stop func()) {
	set := func(given int64, follows bool) {
		r.lock()
		defer r.unlock()
		r.setGiven(given, follows)
	}
	set(longest(r.cfg.MaxGap), true)
	return func() { set(max(0, int64(r.cfg.MaxGap)), false) }
}

// askAside asks Confirm on a goroutine of its own, so that sweeping goes on if
// it hangs.
func (r *Registry[M]) askAside(ctx context.Context, due []candidate) {
	if len(due) > 0 && !r.asking.Load() {
		r.asks.Go(func() {
			var rep SweepReport
			r.ask(ctx, due, &rep)
			r.logStalls()
		})
	}
}

// rest waits until the next deadline, or less. What Announce brings in earlier
// than planned pokes wake: the plan is made under mu, so none slips in between.
func (r *Registry[M]) rest(ctx context.Context) {
	now := r.lock()
	next := min(r.table.schedule.next(), r.clean.plan(now))
	if r.fine.limit > 0 {
		next = min(next, now+r.fine.limit/2)
	}
	next = min(next, r.lend(now))
	r.planned = next
	r.unlock()
	if next <= now {
		return
	}
	select {
	case <-ctx.Done():
	case <-r.wake:
	case <-r.cfg.Clock.After(time.Duration(next - now)):
		r.woke(now, next)
	}
}

// woke records how late a wait ended.
func (r *Registry[M]) woke(began, planned int64) {
	now := r.lock()
	defer r.unlock()
	r.figures.woke(began, planned, now)
}

// Next is when a Sweep may next have work, as the registry's Clock will read
// then; false if there is nothing to wait for. It holds until the next Announce or
// Restore, Leave, or sign of life of a suspect.
// When MaxGap is set it is at most half of it after the last sweep, so that a
// driver that keeps to it is never late.
func (r *Registry[M]) Next() (time.Time, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	next := min(r.table.schedule.next(), r.clean.next())
	if r.fine.limit > 0 {
		next = min(next, r.fine.last+r.fine.limit/2)
	}
	if next >= never {
		return time.Time{}, false
	}
	return r.time.reading(next), true
}

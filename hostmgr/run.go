package hostmgr

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run sweeps at each deadline until ctx is done, and then returns nil. It returns
// ErrRunning at once if another Run has not returned yet. It returns only when
// all goroutines that it started have ended, so a Cleanup or Confirm must heed its
// context. A Write of the Recorder, or a call of the Logger, that hangs is left behind after a
// second.
//
// Until Run begins no sweep observes the hosts: a gap between the last sweep (or
// New) and Run that is longer than StallThreshold is a stall, like any other.
//
// With a fake clock, move it by at most half of the stall threshold at a time (see Config.StallThreshold), or
// make StallThreshold negative: a longer step is a stall. An Announce that brings the next deadline forward
// leaves the After behind that Run waited for.
func (r *Registry[M]) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer r.running.Store(false)
	r.log.Start()
	defer r.log.Stop()
	defer r.useRunThreshold()()
	defer r.events.Start()()
	defer r.cleanups.Start(ctx)()
	d := driver[M]{r: r, ctx: ctx}
	d.confirms.SetLimit(1)
	defer d.confirms.Wait() //nolint:errcheck // it returns none
	for ctx.Err() == nil {
		d.sweep()
		d.wait()
	}
	return nil
}

// A driver is what one Run does.
type driver[M any] struct {
	r        *Registry[M]
	ctx      context.Context
	confirms errgroup.Group // of one goroutine, so that a Confirm that hangs stops no sweep
}

func (d *driver[M]) sweep() {
	var rep SweepReport
	due := d.r.sweepAll(d.ctx, false, &rep)
	d.r.stallLog.flush(d.r.clock.Now())
	d.confirm(due)
}

// useRunThreshold applies the stall threshold of Run until what it returns is called.
func (r *Registry[M]) useRunThreshold() (stop func()) {
	set := func(threshold int64, follows bool) {
		s, _ := r.lock()
		defer r.unlock()
		s.stalls.SetThreshold(threshold, follows)
	}
	set(commonThreshold(r.cfg.StallThreshold), true)
	return func() { set(max(0, int64(r.cfg.StallThreshold)), false) }
}

// confirm asks Confirm on a goroutine of its own. If that is busy the hosts stay held, and come up again.
func (d *driver[M]) confirm(due []pendingEviction) {
	if len(due) == 0 {
		return
	}
	d.confirms.TryGo(func() error {
		d.r.confirmAll(d.ctx, due, SweepReport{})
		d.r.stallLog.flush(d.r.clock.Now())
		return nil
	})
}

// wait waits until the next deadline, or for less. A deadline that an Announce brings forward
// wakes it: the plan is made under mu, so none slips in between.
func (d *driver[M]) wait() {
	now, next := d.plan()
	if next <= now {
		return
	}
	select {
	case <-d.ctx.Done():
	case <-d.r.wakeRun:
	case <-d.r.clock.After(time.Duration(next - now)):
		s, now := d.r.lock()
		defer d.r.unlock()
		s.latency.delay.Record(time.Duration(max(0, now-next)))
	}
}

// plan decides when to sweep next.
func (d *driver[M]) plan() (now, next int64) {
	s, now := d.r.lock()
	defer d.r.unlock()
	next = min(s.index.NextDeadline(), s.cleanups.Plan(now))
	if limit := s.stalls.Limit(); limit > 0 {
		next = min(next, now+limit/2)
	}
	s.nextWake = next
	return now, next
}

// Next is when a Sweep may next have work, as the registry's Clock will read
// then; false if there is nothing to wait for. It holds until the next Announce,
// Restore, Leave, or contact of a suspect.
// With a StallThreshold it is at most half of that after the last sweep, so a
// driver that keeps to Next is never late.
func (r *Registry[M]) Next() (time.Time, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := &r.guarded
	next := min(s.index.NextDeadline(), s.cleanups.Next())
	if limit := s.stalls.Limit(); limit > 0 {
		next = min(next, s.stalls.LastObserved()+limit/2)
	}
	if next >= never {
		return time.Time{}, false
	}
	return r.clock.Reading(next), true
}

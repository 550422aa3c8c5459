package hostmgr

import (
	"context"
	"time"
)

// A SweepReport counts what one Sweep found and did.
type SweepReport struct {
	At        time.Time
	Scanned   int           // hosts whose deadlines were read
	Suspected int           // hosts that became suspect
	Evicted   int           // hosts that were removed
	Held      int           // hosts that are due but held
	Cleaned   int           // cleanups that succeeded on this goroutine
	StallTime time.Duration // the length of stalls that were found
}

// Sweep evicts each host that is due. Then, unless Run is running, it runs the cleanups that are
// due. It is for embedders with their own scheduler; Next says when Sweep may have work.
//
// Sweeps take turns to evict. Only one Sweep at a time runs cleanups, so a Sweep that is called
// within a Cleanup runs none. If one cleanup has taken 10 s, another Sweep runs the others. A Sweep
// ends even if hosts keep departing.
//
// When ctx ends, Sweep stops early. The next Sweep does the rest. If ctx has ended before the call,
// Sweep does nothing, and the report is zero.
func (r *Registry[M]) Sweep(ctx context.Context) SweepReport {
	defer r.flush() // also if a callback ends this goroutine
	var rep SweepReport
	due := r.sweepAll(ctx, true, &rep)
	rep = r.confirmAll(ctx, due, rep)
	rep.Cleaned = r.cleanups.Sweep(ctx, func() { r.observe(&rep) })
	r.stallLogger.flush(r.clock.Now())
	return rep
}

// RunGC is Sweep with the signature of a task of package gc, and of Dragonfly's gc. It returns an
// error only if ctx ended.
func (r *Registry[M]) RunGC(ctx context.Context) error {
	r.Sweep(ctx)
	return ctx.Err()
}

// flush writes pending records and log lines, unless Run has goroutines for that.
func (r *Registry[M]) flush() {
	if !r.running.Load() {
		r.events.Flush()
		r.log.Flush()
	}
}

// sweepAll checks each bucket that is due, and returns the hosts that Confirm is to be asked about.
// No other call waits long for it: it takes mu for one bucket at a time, or for a few in which no
// host is due.
//
// It ends. A check sets the deadline of the bucket beyond its own clock reading, which is not
// before the beginning of the sweep. No call brings that deadline back to before the beginning:
// scheduleCheck keeps it ahead of the latest reading of the current sweep.
func (r *Registry[M]) sweepAll(ctx context.Context, held bool, rep *SweepReport) (due []pendingEviction) {
	if r.sweepSem.Acquire(ctx, 1) != nil {
		return nil
	}
	defer r.sweepSem.Release(1)
	began, more := r.beginSweep(held, rep)
	if !more {
		return nil
	}
	c := &checker[M]{r: r, rep: *rep, began: began}
	if r.cfg.EvictionLimit.on() {
		c.countSuspects(ctx)
	}
	for check := c.check; more && ctx.Err() == nil; {
		more = c.next(check)
	}
	*rep = c.rep
	r.endSweep(began, rep)
	return c.toConfirm
}

// beginSweep returns whether any bucket is due. If held is true it makes the buckets with held
// hosts due.
func (r *Registry[M]) beginSweep(held bool, rep *SweepReport) (began int64, due bool) {
	r.clock.SyncWall()
	s, now := r.lockAndObserve(rep)
	defer r.unlock()
	rep.At = s.clock.Wall(now)
	s.counts.Sweeps++
	s.shadow.forget(now)
	s.advisor.Update(s.limiter.Hosts(), now)
	if held && s.limiter.All().Held > 0 {
		s.index.LowerHeld(now)
	}
	s.sweeping = s.index.NextDeadline() <= now
	if !s.sweeping {
		s.limiter.Update(s.stalls.Common(), now)
	}
	return now, s.sweeping
}

// endSweep observes the hosts once more: so a long sweep is no stall, but a stall within it is one.
// It also wakes the watchers that fell behind during the sweep.
func (r *Registry[M]) endSweep(began int64, rep *SweepReport) {
	s, now := r.lockAndObserve(rep)
	defer r.unlock()
	s.sweeping = false
	s.latency.sweep.Record(time.Duration(now - began))
	s.limiter.Update(s.stalls.Common(), now)
	for _, w := range s.watchers {
		if w.missed > 0 {
			s.todo.watchers = s.watchers
		}
	}
}

// observe notes that the registry observes its hosts now, and adds the stall that this ends to the
// report.
func (r *Registry[M]) observe(rep *SweepReport) {
	r.lockAndObserve(rep)
	r.unlock()
}

// lockAndObserve is lock and observe in one.
func (r *Registry[M]) lockAndObserve(rep *SweepReport) (s *state[M], now int64) {
	s, now = r.lock()
	rep.StallTime += time.Duration(s.observe(now))
	return s, now
}

package hostmgr

import (
	"context"
	"time"
)

// A SweepReport says what one Sweep found and did.
type SweepReport struct {
	At        time.Time
	Scanned   int           // hosts whose deadlines were read
	Suspected int           // hosts that became suspect
	Evicted   int           // hosts that were removed
	Held      int           // hosts that are due but held
	Cleaned   int           // cleanups that succeeded on this goroutine
	StallTime time.Duration // the length of stalls that were found
}

// Sweep evicts each host that is due, and then, unless Run is running, does
// the cleanups that are due. It is for embedders with a scheduler of their own; Next
// says when it may have work.
//
// A concurrent Sweep waits for its turn to evict, and leaves the
// cleanups to the one that is doing them, so a Sweep within a Cleanup does none. If one cleanup
// has taken 10 s, another Sweep goes on with the others. When ctx
// ends Sweep stops early and does no harm: the next one does the rest.
func (r *Registry[M]) Sweep(ctx context.Context) SweepReport {
	defer r.flush() // also if a callback ends this goroutine
	var rep SweepReport
	due := r.sweepAll(ctx, true, &rep)
	rep = r.confirmAll(ctx, due, rep)
	rep.Cleaned = r.cleanups.Sweep(ctx, func() { r.observe(&rep) })
	r.stallLog.flush(r.clock.Now())
	return rep
}

// RunGC is Sweep in the form of a gc task, and of Dragonfly's. It returns an
// error only if ctx ended.
func (r *Registry[M]) RunGC(ctx context.Context) error {
	r.Sweep(ctx)
	return ctx.Err()
}

// flush hands over what there is for the recorder and the logger, unless Run has goroutines that
// do.
func (r *Registry[M]) flush() {
	if !r.running.Load() {
		r.events.Flush()
		r.log.Flush()
	}
}

// sweepAll checks each bucket that is due. No other call waits long for it: it takes mu
// for one bucket at a time, or for a few in which no host is due. It returns the hosts that
// Confirm is to be asked about.
//
// It ends. A check puts the bucket's deadline beyond its own clock reading, which
// is not before the beginning, and nothing brings a deadline back behind that: scheduleCheck
// keeps it ahead of the latest reading of the sweep that is under way.
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
	return c.due
}

// beginSweep tells whether any bucket is due. It brings those with held hosts forward, if held hosts are to be
// checked.
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

// endSweep observes once more, so that a long sweep is no stall, and a stall in it is
// one; and wakes the watchers that fell behind meanwhile.
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

// observe notes that the registry observes its hosts, and finds out if it did not before.
func (r *Registry[M]) observe(rep *SweepReport) {
	r.lockAndObserve(rep)
	r.unlock()
}

// lockAndObserve is lock for a sweep.
func (r *Registry[M]) lockAndObserve(rep *SweepReport) (s *state[M], now int64) {
	s, now = r.lock()
	rep.StallTime += time.Duration(s.observe(now))
	return s, now
}

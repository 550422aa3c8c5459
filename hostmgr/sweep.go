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
	Cleaned   int           // cleanups that this Sweep ran and that succeeded
	StallTime time.Duration // the length of stalls that were found
}

// Sweep evicts each host that is due. Then, unless Run is running, it runs the cleanups that are
// due. It is for embedders with their own scheduler; Next says when Sweep may have work.
//
// Sweeps take turns to evict. Sweeps on several goroutines run cleanups side by side, at most
// Config.CleanupWorkers at a time, together with those of Drain. A Sweep that is called within a
// Cleanup runs none. A Sweep ends even if hosts keep departing.
//
// When ctx ends, Sweep stops early. The next Sweep does the rest. If ctx has ended before the call,
// Sweep does nothing, and the report is zero. Sweep does not wait for a callback that hangs for
// longer than its time limit and 10 s: see Config.
func (r *Registry[M]) Sweep(ctx context.Context) SweepReport {
	ctx = orBackground(ctx)
	defer r.flush() // also if a callback ends this goroutine
	w := sweeper[M]{r: r}
	w.sweep(ctx, true)
	w.confirm(ctx)
	if r.cleanups.Next() < never {
		r.tell() // of the evictions, before their cleanups fail
		own := w // is allocated: a Sweep that has no cleanups to run allocates nothing
		own.rep.Cleaned = r.cleanups.Sweep(ctx, func() { own.observe() })
		w = own
	}
	r.tell()
	return w.rep
}

// RunGC is Sweep with the signature of a task of package gc, and of Dragonfly's gc. It returns an
// error only if ctx ended.
func (r *Registry[M]) RunGC(ctx context.Context) error {
	ctx = orBackground(ctx)
	r.Sweep(ctx)
	return ctx.Err()
}

// flush writes pending records and log lines, unless Run has goroutines for that. It waits until
// they are written, but at most a second for each of the Recorder and the Logger. If one of them
// hangs, later calls do not wait for it.
func (r *Registry[M]) flush() {
	if !r.running.Load() {
		r.events.Flush()
		r.log.Flush()
	}
}

// A sweeper does one sweep. Its methods are called with no lock held.
type sweeper[M any] struct {
	r   *Registry[M]
	rep SweepReport
}

// sweep checks each bucket that is due. No other call waits long for it: it takes mu for one bucket
// at a time, or for a few in which no host is due. If held is true it checks the held hosts too.
//
// It ends. A check sets the deadline of the bucket beyond its own clock reading, which is not
// before the beginning of the sweep. No call brings that deadline back to before the beginning:
// scheduleCheck keeps it ahead of the latest reading of the current sweep.
func (w *sweeper[M]) sweep(ctx context.Context, held bool) {
	if w.r.sweepSem.Acquire(ctx, 1) != nil {
		return
	}
	defer w.r.sweepSem.Release(1)
	began, more := w.begin(held)
	if !more {
		return
	}
	c := &checker[M]{sweeper: *w, began: began} // with a copy: so an idle sweep allocates nothing
	if w.r.cfg.EvictionLimit.on() {
		c.countSuspects(ctx)
	}
	for check := c.check; more && ctx.Err() == nil; {
		more = c.next(check)
	}
	w.rep = c.rep
	w.end(began)
}

// begin returns whether any bucket is due. If held is true it makes the buckets with held hosts
// due.
func (w *sweeper[M]) begin(held bool) (began int64, due bool) {
	w.r.clock.SyncWall()
	s, now := w.lockAndObserve()
	defer w.r.unlock()
	s.stalls.SweepBegins(now)
	w.rep.At = s.clock.Wall(now)
	s.counts.Sweeps++
	if s.trend.due(now) { // before the evictions of this sweep
		s.limiter.Sample(now)
		s.trend.add(s.moment(now))
	}
	s.shadow.forget(now)
	s.fence.Expire(now)
	if s.claims != nil {
		s.claims = s.claims.Expire(now)
	}
	s.flapping.Expire(now)
	if s.local != nil {
		s.local.parted.turn(now)
	}
	s.restored.tidy(s.index)
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

// end observes the hosts once more, so a long sweep is no stall, but a stall within it is one. It
// also wakes the watchers that fell behind during the sweep.
func (w *sweeper[M]) end(began int64) {
	s, now := w.lockAndObserve()
	defer w.r.unlock()
	s.sweeping = false
	s.latency.sweep.Record(time.Duration(now - began))
	s.limiter.Update(s.stalls.Common(), now)
	for _, watching := range s.watchers {
		if watching.missed > 0 {
			s.todo.watchers = s.watchers
		}
	}
}

// observe notes that the registry observes its hosts now, and adds the stall that this ends to the
// report.
func (w *sweeper[M]) observe() {
	w.lockAndObserve()
	w.r.unlock()
}

// lockAndObserve is lock and observe in one.
func (w *sweeper[M]) lockAndObserve() (s *state[M], now int64) {
	s, now = w.r.lock()
	w.rep.StallTime += time.Duration(s.observe(now))
	return s, now
}

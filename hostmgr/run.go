package hostmgr

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// Run sweeps at each deadline until ctx is done. Then it returns nil, or an error that wraps
// ErrCleanupPending if it leaves cleanups undone; the text has their number. To do them, call Drain
// with another context. Run returns ErrRunning at once if another Run has not returned yet.
//
// In an errgroup, the error of Run is that of the group, unless another one came first. The last
// requests of servers may cause departures as well. So call Drain after the whole group has ended,
// with a context that has a time limit, because a cleanup may fail for ever. The package comment
// has the code. A program that stores Pending for the next process needs no Drain.
//
// A silent host is evicted after its timeout and a short delay, whatever the number of hosts.
// Stats.Latency has the measured delays.
//
// Run returns when all goroutines that it started have ended. So Cleanup and Confirm should return
// when their context ends. There are two exceptions:
//   - a call of Cleanup or Confirm that has not returned 10 s after its context ended, by
//     Config.Clock, is left behind: see Config;
//   - a Write of the Recorder, or a call of the Logger, that hangs is left behind after a second of
//     real time.
//
// Without Run there are no goroutines but those that run Cleanup and Confirm for a Sweep, Drain,
// Leave or Evict, which waits for them.
//
// No sweep observes the hosts until Run begins. If the time since the last sweep, or since New, is
// longer than StallThreshold, it is a stall like any other.
//
// With a clock.Mock, Run and the test take turns. Add stops at each time at which Run sweeps, until
// Run waits again. So when Add returns, each host that was due is evicted, and no gap was a stall.
// Set jumps, which is a stall. If only Add has moved the Mock since New, the time until the first
// Run begins is no stall either. So a test need not wait until Run has begun.
//
// With another clock, Run waits with its After. If an Announce brings the next deadline forward,
// the previous After stays pending in the clock.
func (r *Registry[M]) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer r.running.Store(false)
	d := driver[M]{r: r, ctx: orBackground(ctx)}
	d.run()
	if n := r.cleanups.Stats().Pending; n > 0 {
		return fmt.Errorf("%w: Run leaves %d undone", ErrCleanupPending, n)
	}
	return nil
}

// A driver is the state of one Run.
type driver[M any] struct {
	r        *Registry[M]
	ctx      context.Context
	confirms sync.WaitGroup // of one goroutine, so that a Confirm that hangs stops no sweep
}

func (d *driver[M]) run() {
	r := d.r
	r.waiter.Start()
	r.log.Start()
	defer r.stopLog()
	defer d.useRunThreshold()()
	defer r.events.Start()()
	defer d.confirms.Wait()
	defer r.cleanups.Start(d.ctx)() // stops first: a Confirm may wait in Leave for a cleanup
	defer r.waiter.Stop()           // from here on Run waits for callbacks
	for d.ctx.Err() == nil {
		d.sweep()
		r.cleanups.Expire()
		d.wait()
	}
}

func (d *driver[M]) sweep() {
	w := sweeper[M]{r: d.r}
	w.sweep(d.ctx, false)
	d.r.tell()
	d.confirm()
}

// useRunThreshold applies the stall threshold of Run until stop is called.
func (d *driver[M]) useRunThreshold() (stop func()) {
	r := d.r
	set := func(threshold int64, follows bool) {
		s, now := r.lock()
		defer r.unlock()
		if s.counts.Sweeps == 0 && r.waiter.Stepped(r.clock.Reading(0)) {
			s.observe(now) // a test began to move a Mock before this first Run began
		}
		s.stalls.SetThreshold(threshold, follows)
	}
	set(commonThreshold(r.cfg.StallThreshold), true)
	return func() { set(max(0, int64(r.cfg.StallThreshold)), false) }
}

// confirm asks Confirm on a goroutine of its own, until no host waits. If there is such a
// goroutine, it finds the hosts in the queue.
func (d *driver[M]) confirm() {
	if d.r.cfg.Confirm == nil {
		return
	}
	if a := (&asker[M]{sweeper: sweeper[M]{r: d.r}}); a.begin() {
		a.budget = math.MaxInt
		release := d.r.clock.Hold()
		d.confirms.Go(func() {
			defer release()
			a.run(d.ctx)
			d.r.tell()
		})
	}
}

// wait waits until the next sweep. It returns early if an Announce brings the deadline forward: the
// plan is made under mu, so no change is missed.
func (d *driver[M]) wait() {
	now, next := d.nextSweep()
	if next <= now {
		return
	}
	select {
	case <-d.ctx.Done():
	case <-d.r.waiter.Woken():
	case <-d.r.waiter.After(time.Duration(next - now)):
		s, now := d.r.lock()
		defer d.r.unlock()
		s.latency.delay.Record(time.Duration(max(0, now-next)))
	}
}

// nextSweep returns the time of the next sweep, and starts the cleanups that are ready.
func (d *driver[M]) nextSweep() (now, next int64) {
	s, now := d.r.lock()
	defer d.r.unlock()
	next = min(s.index.NextDeadline(), s.cleanups.Plan(now), s.tellDue())
	if limit := s.stalls.Limit(); limit > 0 {
		next = min(next, now+limit/2)
	}
	s.nextWake = next
	return now, next
}

// Next returns when Sweep may next have work, as a reading of Config.Clock. It returns false if
// there is nothing to wait for. The result holds until the next Announce, Restore, Leave, Evict,
// contact of a suspect, or return of a While.
//
// With a StallThreshold, the result is at most StallThreshold/2 after the last sweep. So sweeps at
// these times never leave a gap that is a stall.
func (r *Registry[M]) Next() (time.Time, bool) {
	s := r.peek()
	defer r.mu.RUnlock()
	next := min(s.index.NextDeadline(), s.cleanups.Next(), s.tellDue())
	if limit := s.stalls.Limit(); limit > 0 {
		next = min(next, s.stalls.LastObserved()+limit/2)
	}
	if next >= never {
		return time.Time{}, false
	}
	return r.clock.Reading(next), true
}

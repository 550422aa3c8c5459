package measure

import (
	"fmt"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/peers"
)

// death lets all hosts register, heartbeat once before the first is due, and then die at
// once.
func (b *bench) death(p peers.Peer) error {
	if !b.wants("sweep_rearm", "evict_all", "heap_after_evict") {
		return nil
	}
	return b.patiently(p, func(c pace) error {
		before, _ := heap()
		r := p.New(c.timeout())
		defer r.Close()
		d := b.populate(p, r, c)
		if f, ok := r.(peers.Follower); ok && b.wants("evict_all") {
			f.Follow()
		}
		full := liveBytes()
		if err := b.rearm(p, r, c, &d); err != nil || !b.wants("evict_all", "heap_after_evict") {
			return err
		}
		rate, err := b.evict(p, r, d.last)
		if err != nil {
			return err
		}
		if b.wants("evict_all") {
			b.found.add("evict_all", p.Name, rate)
		}
		if b.wants("heap_after_evict") {
			after, _ := heap()
			b.found.add("heap_after_evict", p.Name, max(0, after-before)/(full-before)*100)
		}
		return expect(r, 0, "after all died")
	})
}

// deadlines are when the first and the last host will be due.
type deadlines struct{ first, last time.Time }

// populate registers all hosts.
func (b *bench) populate(p peers.Peer, r peers.Registry, c pace) (d deadlines) {
	b.step(p.Name, "registering the hosts that will die")
	start := time.Now()
	d.first = start.Add(c.timeout())
	a, aligned := r.(peers.Aligner)
	if aligned {
		a.Align(d.first)
	}
	b.ids.register(r)
	d.last = time.Now().Add(c.timeout())
	if aligned {
		d.last = d.first
	}
	heap() // what is to be collected now should not get into the way later
	b.learn(p, func(c *pace) { c.register = time.Since(start) })
	return d
}

// rearm lets all heartbeat before the first is due, and times the sweep that finds the
// deadlines past with which they registered.
func (b *bench) rearm(p peers.Peer, r peers.Registry, c pace, d *deadlines) error {
	if !b.wants("sweep_rearm") || p.Unswept {
		return nil
	}
	b.step(p.Name, "sweep_rearm")
	if err := b.wait(time.Now().Add(c.gap())); err != nil {
		return err
	}
	heartbeatsFrom := time.Now()
	err := b.ids.beatAll(r, b.opt.N)
	heartbeatsTo := time.Now()
	b.learn(p, func(c *pace) { c.heartbeat = heartbeatsTo.Sub(heartbeatsFrom) })
	if heartbeatsTo.After(d.first) {
		return tardy{"let all heartbeat"}
	}
	if err != nil {
		return err
	}
	if err := b.wait(d.last.Add(c.grace + time.Millisecond)); err != nil {
		return err
	}
	start := time.Now()
	evicted := r.Sweep()
	end := time.Now()
	*d = deadlines{heartbeatsFrom.Add(c.timeout()), heartbeatsTo.Add(c.timeout())}
	switch {
	case end.After(d.first.Add(-c.grace)):
		return tardy{"sweep"}
	case evicted > 0:
		return fmt.Errorf("%d hosts were evicted in spite of their heartbeats", evicted)
	}
	b.found.add("sweep_rearm", p.Name, float64(end.Sub(start))/1e6)
	return expect(r, b.opt.N, "after all heartbeat")
}

// evict waits until all are due and sweeps them out: so many hosts a second. Those
// that need no sweep begin when it is time, whether we look or not.
func (b *bench) evict(p peers.Peer, r peers.Registry, due time.Time) (rate float64, err error) {
	b.step(p.Name, "waiting until all are due")
	if !p.Unswept {
		due = due.Add(p.Grace + time.Millisecond)
	}
	if time.Now().After(due) && p.Unswept {
		return 0, tardy{"register"}
	}
	if err := b.wait(due); err != nil {
		return 0, err
	}
	if !p.Unswept {
		due = time.Now()
	}
	b.step(p.Name, "evict_all")
	took, err := b.sweepOut(p, r, b.opt.N, 0, due)
	return float64(b.opt.N) / took.Seconds(), err
}

// sweepOut sweeps until only so many are left, and returns the time since start.
func (b *bench) sweepOut(p peers.Peer, r peers.Registry, due, left int, start time.Time) (took time.Duration, err error) {
	evicted := r.Sweep()
	for r.Len() > left {
		time.Sleep(50 * time.Microsecond)
		evicted += r.Sweep()
		if time.Since(start) > 5*time.Minute || b.ctx.Err() != nil {
			return 0, fmt.Errorf("%d of %d hosts are still there after %v", r.Len(), due, time.Since(start))
		}
	}
	took = time.Since(start)
	if evicted += r.Sweep(); evicted != due && !p.Eager {
		return 0, fmt.Errorf("%d hosts were evicted, not %d", evicted, due)
	}
	return took, expect(r, left, "after the sweep")
}

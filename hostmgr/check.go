package hostmgr

import (
	"context"
	"strings"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// A checker checks the hosts of a sweep that may be due.
type checker[M any] struct {
	*state[M] // while the lock is held, otherwise nil: see lock
	now       int64

	r     *Registry[M]
	rep   SweepReport
	began int64
	due   []pendingEviction // that Confirm is to be asked about
	a     assessment        // of the host that is checked: to clear one for each host would take time
}

// lock takes the lock for the checker, until unlock.
func (c *checker[M]) lock() { c.state, c.now = c.r.lockAndObserve(&c.rep) }

func (c *checker[M]) unlock() {
	c.state = nil
	c.r.unlock()
}

// next checks the bucket that is due first. It tells whether another one was due when the sweep began.
func (c *checker[M]) next(check func(index.Entry) int64) (more bool) {
	c.lock()
	defer c.unlock()
	scanned, more := c.index.SweepNext(c.now, c.began, check)
	c.rep.Scanned += scanned
	return more
}

// countSuspects counts the hosts that are missing before any is evicted: otherwise the first would be judged without
// those that follow. A host that is due only after it, or moves to another bucket meanwhile, waits for
// the next sweep, which follows at once.
func (c *checker[M]) countSuspects(ctx context.Context) {
	c.lock()
	due := c.index.DueBuckets(c.now)
	c.unlock()
	for _, h := range due {
		if ctx.Err() != nil {
			return
		}
		c.countBucket(h)
	}
	c.lock()
	defer c.unlock()
	c.limiter.Update(c.stalls.Common(), c.now)
}

func (c *checker[M]) countBucket(h index.Hash) {
	c.lock()
	defer c.unlock()
	c.index.MayBeDue(h, c.now, c.count)
}

// check checks one host, and returns when it needs the next check. It compares and
// evicts: if there was a contact since the host was assessed, it is assessed again.
func (c *checker[M]) check(e index.Entry) int64 {
	a := &c.a
	for {
		c.assess(a, e, c.now)
		counted := e.Suspect()
		if (c.mayHold || a.State != detector.StateOffline) && !c.settle(e, a) {
			continue
		}
		if a.State != detector.StateOffline {
			return a.Next(e.Suspect())
		}
		if c.mayHold {
			if h, stays := c.shouldHold(e, counted, c.now); stays {
				return c.keepHeld(e, h)
			}
		}
		if c.evict(e, a, c.now) {
			c.rep.Evicted++
			return never
		}
	}
}

// settle makes a host suspect that is suspect, or due where something may hold it; any other host
// recovers. It returns false if there was a contact since the host was assessed.
func (c *checker[M]) settle(e index.Entry, a *assessment) (ok bool) {
	if a.State != detector.StateOffline {
		c.release(e)
	}
	if a.State < detector.StateSuspect {
		c.reassess(e, c.now)
		return true
	}
	return c.suspect(e, a)
}

// suspect is state.suspect, and reports it.
func (c *checker[M]) suspect(e index.Entry, a *assessment) (ok bool) {
	was := e.Suspect()
	if ok = c.state.suspect(e, a, c.now); ok && !was {
		c.rep.Suspected++
	}
	return ok
}

// count makes a host suspect that is suspect or due, so that the eviction limit counts it.
func (c *checker[M]) count(e index.Entry) {
	if e.Suspect() {
		return
	}
	a := &c.a
	for c.assess(a, e, c.now); a.State >= detector.StateSuspect; c.assess(a, e, c.now) {
		if c.suspect(e, a) {
			return
		}
	}
}

// keepHeld returns when a host that is held needs the next check, and adds it to those that
// Confirm is to be asked about.
func (c *checker[M]) keepHeld(e index.Entry, h hold) int64 {
	c.rep.Held++
	switch {
	case !h.waits:
		c.due = append(c.due, pendingEviction{strings.Clone(e.ID()), e.Registration()})
		return c.now + holdPause
	case h.pending: // the limit decides in the next sweep, at once
		return c.now + 1
	default:
		return c.now + min(holdPause, c.limiter.HoldLeft(h.since, c.stalls.Common(), c.now)+1)
	}
}

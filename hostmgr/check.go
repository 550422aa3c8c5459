package hostmgr

import (
	"context"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// A checker assesses the hosts that may be due in one sweep, and suspects, holds or evicts them.
type checker[M any] struct {
	state *state[M] // while the lock is held, otherwise nil: see lock
	now   int64

	sweeper[M]
	began int64
	a     assessment // of the host that is checked: to clear one for each host would take time
}

// lock takes the registry's lock and gives c its state until unlock.
func (c *checker[M]) lock() { c.state, c.now = c.lockAndObserve() }

func (c *checker[M]) unlock() {
	c.state = nil
	c.r.unlock()
}

// next checks the bucket that is due first. It returns whether another bucket was due when the
// sweep began.
func (c *checker[M]) next(check func(index.Entry) int64) (more bool) {
	c.lock()
	defer c.unlock()
	scanned, more := c.state.index.SweepNext(c.now, c.began, check)
	c.rep.Scanned += scanned
	return more
}

// countSuspects counts all missing hosts before the sweep evicts the first one. Otherwise the
// eviction limit would not count the later ones when it decides on the first. A host that becomes
// due after the count, or moves to another bucket during it, waits for the next sweep, which
// follows at once.
func (c *checker[M]) countSuspects(ctx context.Context) {
	c.lock()
	due := c.state.index.DueBuckets(c.now)
	c.unlock()
	for _, h := range due {
		if ctx.Err() != nil {
			return
		}
		c.countBucket(h)
	}
	c.lock()
	defer c.unlock()
	c.state.limiter.Update(c.state.stalls.Common(), c.now)
}

func (c *checker[M]) countBucket(h index.Hash) {
	c.lock()
	defer c.unlock()
	c.state.index.MayBeDue(h, c.now, c.count)
}

// check assesses one host, acts on the verdict, and returns when the host needs the next check. It
// ends a registration by compare-and-swap: if there was a contact since the assessment, the host is
// assessed again.
func (c *checker[M]) check(e index.Entry) int64 {
	a := &c.a
	for {
		c.state.assess(a, e, c.now)
		counted := e.Suspect()
		if (c.state.mayHold() || a.State != detector.StateOffline) && !c.settle(e, a) {
			continue
		}
		if a.State != detector.StateOffline {
			return a.Next(e.Suspect())
		}
		if c.state.mayHold() {
			if h, stays := c.state.shouldHold(e, counted, c.now); stays {
				return c.keepHeld(h)
			}
		}
		if c.state.evict(e, a, c.now) {
			c.rep.Evicted++
			return never
		}
	}
}

// settle makes a host suspect if it was assessed as suspect or due; otherwise it lets a suspect
// recover. It returns false if there was a contact since the assessment.
func (c *checker[M]) settle(e index.Entry, a *assessment) (ok bool) {
	if a.State != detector.StateOffline {
		c.state.release(e)
	}
	if a.State < detector.StateSuspect {
		c.state.reassess(e, c.now)
		return true
	}
	return c.suspect(e, a)
}

// suspect is state.suspect, and counts the host in the report if it was not suspect before.
func (c *checker[M]) suspect(e index.Entry, a *assessment) (ok bool) {
	was := e.Suspect()
	if ok = c.state.suspect(e, a, c.now); ok && !was {
		c.rep.Suspected++
	}
	return ok
}

// count makes a host suspect if it is suspect or due now, so that the eviction limit counts it.
func (c *checker[M]) count(e index.Entry) {
	if e.Suspect() {
		return
	}
	a := &c.a
	for c.state.assess(a, e, c.now); a.State >= detector.StateSuspect; c.state.assess(a, e, c.now) {
		if c.suspect(e, a) {
			return
		}
	}
}

// keepHeld returns when a held host needs the next check.
func (c *checker[M]) keepHeld(h hold) int64 {
	c.rep.Held++
	switch {
	case !h.awaitsLimit:
		return c.now + holdPause
	case h.pending: // the limit decides in the next sweep, at once
		return c.now + 1
	default:
		return c.now + min(holdPause, c.state.limiter.HoldLeft(h.since, c.state.stalls.Common(), c.now)+1)
	}
}

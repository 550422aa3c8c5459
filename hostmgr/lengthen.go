package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// lengthen computes the timeouts of a host from an interval that is longer than its own. ok is
// false if its registration has ended. It starts over if the answer is not for the host's zone, or
// is from before a Reconsider.
func (c *contact[M]) lengthen(registration uint64, interval time.Duration) (ok bool) {
	for done := false; !done; {
		round := c.r.policies.answers.Load().round
		q := question{interval: interval}
		if c.r.policies.foreign {
			if q.zone, ok = c.zone(registration); !ok {
				return false
			}
		}
		ok, done = c.tryLengthen(registration, round, q.zone, c.r.policies.timeouts(q))
	}
	return ok
}

// tryLengthen gives a host longer timeouts. done is false, and nothing was changed, if lengthen has
// to start over.
func (c *contact[M]) tryLengthen(registration, round uint64, zone string, t *detector.Timeouts) (ok, done bool) {
	s, now := c.r.lock()
	defer c.r.unlock()
	e, ok := s.find(c.hash, c.id, registration)
	switch {
	case !ok || e.Interval() >= t.Interval:
		return ok, true
	case zone != s.questionOf(e).zone || round != s.round:
		return true, false
	}
	s.setTimeouts(e, t, now, now)
	s.local.noteContent(e, &s.todo.wake) // another member may be the next to judge the host
	return true, true
}

func (c *contact[M]) zone(registration uint64) (name string, ok bool) {
	v := c.r.peek()
	defer c.r.mu.RUnlock()
	e, ok := v.find(c.hash, c.id, registration)
	if ok {
		name = v.zones.of(e)
	}
	return name, ok
}

package calls

import (
	"container/list"

	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

// Expire ends the contexts of calls that have reached the limit, and leaves behind the calls that
// have not returned 10 s after their contexts ended.
func (c *Calls) Expire() {
	now := c.config.Clock.Now()
	c.config.Clock.AdvanceFloor(now)
	over, left := c.expire(now)
	for _, p := range over {
		p.cancel(c.timedOut)
	}
	for _, p := range left {
		close(p.place.leftBehind)
		if p.place.free != nil {
			p.place.free()
		}
	}
	for _, p := range over {
		c.config.TimedOut(p.place, p.what)
	}
	for _, p := range left {
		c.config.LeftBehind(p.place, p.what)
	}
}

// An expired call is a copy, because its place may begin another call at any time.
type expired struct {
	call
	place *Place
}

// expire is the part of Expire that needs the lock.
func (c *Calls) expire(now int64) (over, left []expired) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := first(&c.live); p != nil && c.nextLimit() <= now; p = first(&c.live) {
		if !p.noteEnd(now) {
			over = append(over, expired{p.call, p})
			p.endedAt = now
			p.moveTo(&c.ended)
			c.timeouts++
		}
	}
	for p := first(&c.ended); p != nil && c.nextGrace() <= now; p = first(&c.ended) {
		left = append(left, expired{p.call, p})
		p.moveTo(&c.left)
	}
	return over, left
}

// first returns the first place of a list, or nil.
func first(l *list.List) *Place {
	if e := l.Front(); e != nil {
		return e.Value.(*Place)
	}
	return nil
}

// nextLimit returns when the next context ends because of the limit. The caller holds the lock.
func (c *Calls) nextLimit() int64 {
	if p := first(&c.live); p != nil {
		return min(p.began+c.length, monotime.Never)
	}
	return monotime.Never
}

// nextGrace returns when the next call is to be left behind. The caller holds the lock.
func (c *Calls) nextGrace() int64 {
	if p := first(&c.ended); p != nil && c.left.Len() < c.config.MaxLeftBehind {
		return p.endedAt + grace
	}
	return monotime.Never
}

// next returns when Expire has work. The caller holds the lock.
func (c *Calls) next() int64 { return min(c.nextLimit(), c.nextGrace()) }

// Plan returns when Expire has work. If a call that begins later needs an earlier time, Replan is
// called. The caller calls Expire at that time or Plan again.
//
// While no call is under way, Plan keeps to the time that it returned before, until that has
// passed. Otherwise each call that begins when none is under way would need a new plan.
func (c *Calls) Plan(now int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if next := c.next(); next < monotime.Never || c.planned <= now {
		c.planned = next
	}
	return c.planned
}

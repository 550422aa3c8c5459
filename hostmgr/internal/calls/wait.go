package calls

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

// Wait waits until done is closed, or until a call at the place is left behind, and returns whether
// it was the latter. Meanwhile it does the work of Expire in time, for all calls.
func (p *Place) Wait(done <-chan struct{}) (left bool) {
	p.calls.wait(done, p.leftBehind, p.parent.Done(), func(now int64) { p.noteEnd(now) })
	select {
	case <-p.leftBehind:
		return true
	default:
		return false
	}
}

// Drain waits until done is closed. Meanwhile it does the work of Expire in time. It is for the end
// of a driver, when the context of its places has ended.
func (c *Calls) Drain(done <-chan struct{}) {
	c.locked(c.noteEnds)
	c.wait(done, nil, nil, nil)
}

// noteEnds notes which contexts have ended. The caller holds the lock.
func (c *Calls) noteEnds(now int64) {
	for e := c.live.Front(); e != nil; {
		p := e.Value.(*Place)
		e = e.Next() // before p moves
		p.noteEnd(now)
	}
}

// locked calls f with the time, and with the lock held.
func (c *Calls) locked(f func(now int64)) {
	now := c.config.Clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	f(now)
}

// An alarm is an After of the clock that is pending, for all goroutines in wait together.
//
// There are two of them, because each of the two limits is constant. So the time that an alarm is
// set to never has to become earlier, and at most one After is pending for each. A fake clock keeps
// an After until its time: with one for each call, thousands of calls in a moment would leave
// thousands behind.
//
// If the clock steps back, the After comes too late. So the next goroutine that waits sets the alarm
// again.
type alarm struct {
	at   int64            // Never if it is not set
	zero time.Time        // what the clock read at time 0, by its last step
	c    <-chan time.Time // nil while it is being set
}

// wait waits until done or left is closed, and expires calls meanwhile. When ended is closed, it
// calls note under the lock.
//
// Each goroutine in wait listens to the alarms that are set, and sets those that are not. One of
// them receives an alarm, and makes the others set it again, since it may be the next to return.
func (c *Calls) wait(done, left, ended <-chan struct{}, note func(now int64)) {
	for {
		c.Expire()
		limit, grace, changed := c.listen()
		select {
		case <-done:
			return
		case <-left:
			return
		case <-ended:
			c.locked(note)
			ended = nil
		case <-limit:
			c.reset(&c.limit, limit)
		case <-grace:
			c.reset(&c.grace, grace)
		case <-changed:
		}
	}
}

// listen sets the alarms, and returns what to listen to. The alarm for the limit is set even if no
// call is under way: it is early enough for each call that begins later.
func (c *Calls) listen() (limit, grace <-chan time.Time, changed <-chan struct{}) {
	now := c.config.Clock.Now()
	c.set(&c.limit, now, func() int64 { return min(c.nextLimit(), now+c.length) })
	c.set(&c.grace, now, c.nextGrace)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limit.c, c.grace.c, c.changed
}

// set sets an alarm to the time that when returns, unless it is set to an earlier one already. If
// another goroutine is about to set the alarm, that goroutine calls ring.
func (c *Calls) set(a *alarm, now int64, when func() int64) {
	zero := c.config.Clock.Reading(0)
	c.mu.Lock()
	at := when()
	set := at < a.at || at < monotime.Never && zero != a.zero
	if set {
		*a = alarm{at: at, zero: zero}
	}
	c.mu.Unlock()
	if !set {
		return
	}
	after := c.config.Clock.After(time.Duration(at - now))
	c.mu.Lock()
	if a.at == at {
		a.c = after
	}
	c.mu.Unlock()
	c.ring()
}

// reset makes an alarm that was received one that is not set.
func (c *Calls) reset(a *alarm, received <-chan time.Time) {
	c.mu.Lock()
	if a.c == received {
		*a = alarm{at: monotime.Never}
	}
	c.mu.Unlock()
	c.ring()
}

// ring makes all goroutines in wait look at the alarms again.
func (c *Calls) ring() {
	c.mu.Lock()
	changed := c.changed
	c.changed = make(chan struct{})
	c.mu.Unlock()
	close(changed)
}

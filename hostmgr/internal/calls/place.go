package calls

import (
	"container/list"
	"context"
)

// A Place is where calls are made, one at a time. Make one with NewPlace. One goroutine calls Begin
// and End. Another one may Wait for it.
type Place struct {
	calls      *Calls
	parent     context.Context
	free       func()
	leftBehind chan struct{}

	call            // the current one, guarded by calls.mu
	in   *list.List // where the current call is; nil if there is none
	at   *list.Element
}

// A call is one call of a callback.
type call struct {
	what           any
	cancel         context.CancelCauseFunc
	began, endedAt int64 // endedAt is when its context ended
}

// NewPlace returns a place whose calls get contexts within ctx. When its call is left behind, free
// is called once, if it is not nil, on another goroutine than its own. The place has no further
// calls then.
func (c *Calls) NewPlace(ctx context.Context, free func()) *Place {
	return &Place{calls: c, parent: ctx, free: free, leftBehind: make(chan struct{})}
}

// Begin begins a call, and returns the context for it. what describes the call for TimedOut and
// LeftBehind. A call of End must follow, even if the callback panics or ends its goroutine.
func (p *Place) Begin(what any) context.Context {
	ctx, cancel := context.WithCancelCause(p.parent)
	c, now := p.calls, p.calls.config.Clock.Now()
	c.config.Clock.AdvanceFloor(now) // so that a clock that steps back does not delay the limit
	c.mu.Lock()
	p.call = call{what: what, cancel: cancel, began: now}
	p.moveTo(&c.live)
	changed := p.noteEnd(now)
	replan := c.next() < c.planned
	c.mu.Unlock()
	if changed {
		c.ring()
	}
	if replan {
		c.config.Replan()
	}
	return ctx
}

// End ends the current call, and its context. It returns true if the call was left behind: then the
// goroutine has lost its place.
func (p *Place) End() (left bool) {
	c := p.calls
	c.mu.Lock()
	left, cancel := p.in == &c.left, p.cancel
	p.moveTo(nil)
	p.call = call{}
	c.mu.Unlock()
	cancel(nil)
	if left {
		c.Expire() // one more may be left behind
	}
	return left
}

// LeftBehind is closed when a call at this place is left behind, or soon after.
func (p *Place) LeftBehind() <-chan struct{} { return p.leftBehind }

// moveTo moves the current call to the end of a list, or to none. The caller holds the lock.
func (p *Place) moveTo(l *list.List) {
	if p.in != nil {
		p.in.Remove(p.at)
	}
	if p.in = l; l != nil {
		p.at = l.PushBack(p)
	}
}

// noteEnd notes that the context of the current call has ended with the context of the place, if
// that is so and is news. It asks the latter, which ends first. The caller holds the lock.
func (p *Place) noteEnd(now int64) (news bool) {
	if p.in != &p.calls.live || p.parent.Err() == nil {
		return false
	}
	p.endedAt = now
	p.moveTo(&p.calls.ended)
	return true
}

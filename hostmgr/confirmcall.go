package hostmgr

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/hostlife/hostlife/hostmgr/internal/calls"
)

// A confirmCall is one call of Confirm. It has its own goroutine, so that it can be left behind.
type confirmCall[M any] struct {
	r           *Registry[M]
	parent, ctx context.Context // of the asker, and of the call
	place       *calls.Place
	hosts       []Host[M]
	answer      answer        // valid when done is closed
	done        chan struct{} // closed when Confirm has returned, unless it was left behind
}

// call calls Confirm. It returns the answer, or that Confirm was left behind.
func (a *asker[M]) call(ctx context.Context, hosts []Host[M]) (ans answer, left bool) {
	c := &confirmCall[M]{r: a.r, parent: ctx, place: a.r.confirmCalls.NewPlace(ctx, nil), hosts: hosts, done: make(chan struct{})}
	c.ctx = c.place.Begin(c)
	go c.run()
	if c.place.Wait(c.done) {
		return c.failure(), true
	}
	return c.answer, false
}

// An answer says which hosts of a batch may be evicted, and why the others are held.
type answer struct {
	allowed   map[pendingEviction]bool
	otherwise confirmation
}

// A pendingEviction names a host in an answer.
type pendingEviction struct {
	id           string
	registration uint64
}

// run calls Confirm, and closes done whatever Confirm does. If the call was left behind it ignores
// the answer, and wakes Run: Confirm may be asked again.
func (c *confirmCall[M]) run() {
	err := errors.New("Confirm ended its goroutine")
	defer func() {
		timedOut, failure := c.timedOut(), c.failure() // before End, which ends the context
		if c.place.End() {
			c.r.notifyRun()
			return
		}
		defer close(c.done) // even if printing the error ends the goroutine
		if timedOut || err != nil {
			c.answer = failure
		}
		if err != nil && !timedOut {
			c.countFailure()
			c.log("Confirm failed, its hosts are held", "err", brief(err))
		}
	}()
	err = c.ask()
}

// ask sets the answer. A panic of Confirm is an error.
func (c *confirmCall[M]) ask() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Confirm panicked: %v\n%s", p, debug.Stack())
		}
	}()
	may, err := c.r.cfg.Confirm(c.ctx, c.hosts)
	allowed := make(map[pendingEviction]bool, len(may))
	for _, h := range may {
		allowed[pendingEviction{h.ID, h.Registration}] = true
	}
	c.answer = answer{allowed, refused}
	return hear(err)
}

// timedOut reports whether the context of the call has ended because of the limit.
func (c *confirmCall[M]) timedOut() bool {
	cause := context.Cause(c.ctx)
	return cause != nil && cause != context.Cause(c.parent) //nolint:errorlint // the same one, not a wrapped one
}

// failure is the answer of a call that failed, or has not returned in time.
func (c *confirmCall[M]) failure() answer {
	if c.timedOut() {
		return answer{otherwise: confirmTimedOut}
	}
	return answer{otherwise: confirmFailed}
}

func (c *confirmCall[M]) limitPassed() {
	c.countFailure()
	c.log("Confirm has not returned in time, its hosts are held", "limit", c.r.cfg.ConfirmTimeout)
}

func (c *confirmCall[M]) leftBehind() {
	if !c.timedOut() { // otherwise it is counted
		c.countFailure()
	}
	c.log("Confirm is left behind, it has not returned 10 s after its context ended")
}

func (c *confirmCall[M]) countFailure() {
	s, _ := c.r.lock()
	defer c.r.unlock()
	s.counts.ConfirmFailures++
}

// log logs at once, because the call may go on to hang.
func (c *confirmCall[M]) log(text string, args ...any) {
	c.r.cfg.Logger.Error(text, append([]any{"hosts", len(c.hosts)}, args...)...)
	if !c.r.running.Load() {
		c.r.log.Flush()
	}
}

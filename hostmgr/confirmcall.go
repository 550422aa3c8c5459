package hostmgr

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// A confirmCall is one call of Confirm. It has its own goroutine, which Confirm may end.
type confirmCall[M any] struct {
	r      *Registry[M]
	hosts  []Host[M]
	answer answer        // valid when done is closed
	done   chan struct{} // closed when Confirm has returned
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

// run calls Confirm, and closes done whatever Confirm does.
func (c *confirmCall[M]) run(ctx context.Context) {
	defer close(c.done) // separate: printing the error may end the goroutine too
	err := errors.New("Confirm ended its goroutine")
	defer func() {
		if err != nil {
			c.answer = answer{otherwise: confirmFailed}
			c.failed(err)
		}
	}()
	err = c.ask(ctx)
}

// ask sets the answer. A panic of Confirm is an error.
func (c *confirmCall[M]) ask(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Confirm panicked: %v\n%s", p, debug.Stack())
		}
	}()
	may, err := c.r.cfg.Confirm(ctx, c.hosts)
	allowed := make(map[pendingEviction]bool, len(may))
	for _, h := range may {
		allowed[pendingEviction{h.ID, h.Registration}] = true
	}
	c.answer = answer{allowed, refused}
	return err
}

func (c *confirmCall[M]) failed(err error) {
	s, _ := c.r.lock()
	s.counts.ConfirmFailures++
	c.r.unlock()
	c.r.cfg.Logger.Error("Confirm failed, its hosts are held", "hosts", len(c.hosts), "err", brief(err))
}

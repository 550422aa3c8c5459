package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	limit = 30 * time.Second // a check waits so long for what has to happen
	grace = 5 * time.Second  // and so long for calls to end after it has waited in vain
)

// limited returns a context that ends after some time.
func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d) //nolint:forbidigo // engines go by real time
}

// spawn runs f on a goroutine of its own. done is closed when f has returned. f must not use the
// testing.TB: it may return after the subtest has ended.
func (c *check) spawn(f func()) (done <-chan struct{}) {
	closed := make(chan struct{})
	c.calls.Go(func() {
		defer close(closed)
		f()
	})
	return closed
}

// within runs f on another goroutine and fails the test if f does not return within the limit. The
// context of f ends with the limit.
func (c *check) within(what string, f func(context.Context)) {
	c.Helper()
	ctx, cancel := limited(context.Background(), limit)
	defer cancel()
	c.await(ctx, what, limit, c.spawn(func() { f(ctx) }))
}

// await fails the test if a call does not return before a context ends, which is after d.
func (c *check) await(ctx context.Context, what string, d time.Duration, done <-chan struct{}) {
	c.Helper()
	select {
	case <-done:
		if ctx.Err() == nil { // otherwise the call may have waited for that
			return
		}
	case <-c.ctx.Done():
		c.failed()
	case <-ctx.Done():
	}
	c.inVain.Store(true)
	c.Fatalf("%s has not returned after %v", what, d)
}

// failed ends the test if another goroutine has found an error.
func (c *check) failed() {
	c.Helper()
	if c.ctx.Err() != nil {
		c.Fatal(context.Cause(c.ctx))
	}
}

var errLateYield = errors.New("yield was called after Feed had returned")

// feed calls Feed. yield returns false after the check has ended, so that a Store that ignores its
// context ends, too.
func (c *check) feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	var returned atomic.Bool
	defer returned.Store(true)
	return c.store.Feed(ctx, after, func(f share.Frame) bool {
		if returned.Load() {
			c.stop(errLateYield)
		}
		return c.ctx.Err() == nil && yield(f)
	})
}

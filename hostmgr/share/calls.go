package share

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	putLimit     = 2 * time.Second
	cleanupLimit = 10 * time.Second
	graceful     = 10 * time.Second // after which a call that ignores its context is left behind
	maxLeft      = 64               // calls of a kind that are left behind; beyond it, no further ones begin
)

var (
	errLimit = fmt.Errorf("time limit: %w", context.DeadlineExceeded)
	errEnded = errors.New("the callback ended its goroutine")
)

// A call is one call of the Store or of Cleanup, on a goroutine of its own.
type call struct {
	cancel  context.CancelCauseFunc
	limit   int64 // when its context ends
	give    int64 // when it is left behind
	over    bool  // it has returned, or is left behind: done was called
	left    bool
	behind  *int   // the number of calls of its kind that are left behind
	abandon func() // is called instead of done when it is left behind
}

// start calls f. Then done is called with its error on the loop, unless the call is left behind
// first: then abandon is. It calls release after f: see clock.Hold.
func (l *loop[M]) start(ctx context.Context, release func(), limit, give time.Duration, f func(context.Context) error, done func(error), abandon func()) *call {
	ctx, cancel := context.WithCancelCause(ctx)
	c := &call{cancel: cancel, limit: l.now + int64(limit), give: l.now + int64(give), behind: &l.leftBehind, abandon: abandon}
	l.calls = append(l.calls, c)
	go func() {
		defer release()
		err := errEnded
		defer func() { // even if f ends the goroutine
			cancel(nil)
			l.m.inbox.put(func() { l.returned(c, done, err) })
		}()
		err = protect(ctx, f)
	}()
	return c
}

func (l *loop[M]) hold() (release func()) { return clock.Hold(l.m.hosts.Clock()) }

func nothing() {}

// protect calls f. A panic is an error.
func protect(ctx context.Context, f func(context.Context) error) (err error) {
	defer recovered(&err)
	return f(ctx)
}

func (l *loop[M]) returned(c *call, done func(error), err error) {
	if c.left {
		*c.behind--
	}
	if !c.over {
		c.over = true
		done(err)
	}
}

// expire ends the contexts of calls at their limits, and leaves behind those that go on.
func (l *loop[M]) expire() {
	kept := l.calls[:0]
	for _, c := range l.calls {
		if !c.over && l.now >= c.limit {
			c.cancel(errLimit)
		}
		if !c.over && l.now >= c.give {
			c.over, c.left = true, true
			*c.behind++
			c.abandon()
		}
		if !c.over {
			kept = append(kept, c)
		}
	}
	clear(l.calls[len(kept):])
	l.calls = kept
}

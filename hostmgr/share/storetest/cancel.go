package storetest

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// canceledFeed ends feeds that are idle, that are busy, and that have not begun.
func (c *check) canceledFeed() {
	w := c.fill(0, 300)[0]
	f := c.follow()
	f.waitSynced()
	f.end()
	c.requireContextError(f.err, context.Canceled)

	busy := c.follow()
	busy.waitSynced()
	endWrites := c.writeUntil(w)
	busy.wait("a change", func() bool { return busy.shown > 0 })
	busy.end()
	endWrites()
	c.requireContextError(busy.err, context.Canceled)

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	err := c.feedOnce(ended, "Feed with a context that has ended")
	c.requireContextError(err, context.Canceled)

	for d := range deadlines() {
		short, cancel := limited(context.Background(), d)
		err = c.feedOnce(short, "Feed with a deadline")
		cancel()
		c.requireContextError(err, context.DeadlineExceeded)
	}
}

// deadlines yields times until a deadline, from 50 us to 5 ms. So the deadlines come while a Store
// connects, while it waits for an answer, and while it sends a request. A connection may end at the
// same deadline by itself, a moment before the context has an error.
func deadlines() iter.Seq[time.Duration] {
	const first, last, n = 50 * time.Microsecond, 5 * time.Millisecond, 60
	return func(yield func(time.Duration) bool) {
		for i := range n {
			if !yield(first + time.Duration(i)*(last-first)/(n-1)) {
				return
			}
		}
	}
}

// feedOnce returns what Feed returns when its context ends.
func (c *check) feedOnce(ctx context.Context, what string) error {
	c.Helper()
	var err error
	c.within(what, func(context.Context) {
		err = c.feed(ctx, share.Position{}, func(share.Frame) bool { return true })
	})
	return err
}

func (c *check) requireContextError(err, want error) {
	c.Helper()
	c.failed()
	if !errors.Is(err, want) {
		c.Fatalf("Feed returned %v, which does not wrap %q", err, want)
	}
}

// writeUntil updates a record again and again, until the function that it returns is called, but
// not more than 1000 times.
func (c *check) writeUntil(w share.Write) (end func()) {
	var last atomic.Bool
	done := c.spawn(func() {
		for n := 0; n < 1000 && !last.Load(); n++ {
			next := c.set(c.bare(w.Key), w.Version, strconv.Itoa(n))
			if err := c.write(c.ctx, []share.Write{next}); err != nil {
				c.stop(err)
				return
			}
			w = next
		}
	})
	return func() {
		c.Helper()
		last.Store(true)
		c.within("Put", func(context.Context) { <-done })
	}
}

// canceledPut ends contexts before and during Put, and has deadlines that pass meanwhile.
func (c *check) canceledPut() {
	w := c.set("a", 0, "a")
	c.put(w)
	for i := range 30 {
		ctx, cancel := context.WithCancel(context.Background())
		if i < 10 {
			cancel()
		} else {
			go cancel()
		}
		w = c.putUntil(ctx, w, context.Canceled)
		cancel()
	}
	for d := range deadlines() {
		ctx, cancel := limited(context.Background(), d)
		w = c.putUntil(ctx, w, context.DeadlineExceeded)
		cancel()
	}
}

// putUntil replaces a record while a context ends, and returns the write that holds. It is found, or
// is not there, as Put says. An error of Put must be that of the context.
func (c *check) putUntil(ctx context.Context, w share.Write, want error) share.Write {
	c.Helper()
	next := c.set(c.bare(w.Key), w.Version, "next")
	var err error
	c.within("Put, after its context has ended,", func(context.Context) { err = c.store.Put(ctx, []share.Write{next}) })
	got := c.read()[w.Key].Version
	switch {
	case errors.Is(err, share.ErrVersion):
		c.Fatalf("Put returned %v, but the version was the expected one", err)
	case err == nil && got != next.Version:
		c.Fatalf("Put returned nil, but the write is not there")
	case err != nil && !errors.Is(err, want):
		c.Fatalf("Put returned %v, which does not wrap %q", err, want)
	case err != nil:
		return c.settled(w, next)
	}
	return next
}

// settled returns which of two writes holds after a Put that left it open: it writes on top of
// either, so that the open one cannot come later.
func (c *check) settled(before, open share.Write) share.Write {
	c.Helper()
	for _, w := range []share.Write{before, open} {
		next := c.set(c.bare(w.Key), w.Version, "settled")
		err := c.try(next)
		if err == nil {
			return next
		}
		if !errors.Is(err, share.ErrVersion) {
			c.Fatalf("Put: %v", err)
		}
	}
	c.Fatalf("neither the record before a Put, nor that of the Put, is there")
	return before
}

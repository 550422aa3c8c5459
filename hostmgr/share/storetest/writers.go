package storetest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	writers = 6
	each    = 25 // writes of one writer
)

// writing is how long writers may take. One call or wait of a writer ends before that.
const writing = limit + grace

// concurrently runs f on several goroutines and waits for them.
func (c *check) concurrently(f func(ctx context.Context, writer int) error) {
	c.Helper()
	ctx, cancel := limited(c.ctx, writing)
	defer cancel()
	c.start(func(writer int) error {
		err := f(ctx, writer)
		if err != nil && ctx.Err() != nil && c.ctx.Err() == nil {
			c.inVain.Store(true)
			return fmt.Errorf("not done after %v: %w", writing, err)
		}
		return err
	})()
}

// start runs f on several goroutines, and stops the check at their first error. wait waits until
// they have returned.
func (c *check) start(f func(writer int) error) (wait func()) {
	var running sync.WaitGroup
	for i := range writers {
		running.Add(1)
		c.spawn(func() {
			defer running.Done()
			if err := f(i); err != nil {
				c.stop(fmt.Errorf("a writer: %w", err))
			}
		})
	}
	return func() {
		c.Helper()
		ctx, cancel := limited(context.Background(), writing+grace)
		defer cancel()
		c.await(ctx, "a writer", writing+grace, c.spawn(running.Wait))
		c.failed()
	}
}

// write calls Put on the goroutine of a writer. It returns an error soon after ctx has ended,
// whatever Put does.
func (c *check) write(ctx context.Context, batch []share.Write) error {
	short, cancel := limited(ctx, limit)
	defer cancel()
	result := make(chan error, 1)
	c.spawn(func() { result <- c.store.Put(short, batch) })
	var err error
	select {
	case err = <-result:
	case <-short.Done():
		err = short.Err()
	}
	switch {
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case err == nil:
		return nil
	case ctx.Err() == nil && short.Err() != nil:
		c.inVain.Store(true)
		return fmt.Errorf("Put has not returned after %v", limit)
	case short.Err() != nil:
		return short.Err() // and not ErrVersion
	}
	return fmt.Errorf("Put of %s: %w", c.names(batch), err)
}

// busy lets writers create, update and delete records while f runs. A writer waits until the feed
// has shown what it wrote.
func (c *check) busy(feed *follower, f func()) {
	c.Helper()
	var end atomic.Bool
	wait := c.start(func(writer int) error { return c.churn(feed, writer, &end) })
	f() // if it ends the test, the context of the check ends the writers
	end.Store(true)
	wait()
}

// churn changes the records of one writer until the end.
func (c *check) churn(feed *follower, writer int, end *atomic.Bool) error {
	expect := map[string]uint64{}
	for n := 0; !end.Load(); n++ {
		batch := c.churnBatch(expect, writer, n)
		if err := c.write(c.ctx, batch); err != nil {
			return err
		}
		w, before := batch[len(batch)-1], feed.changes()
		if err := feed.reach(c.ctx, limit, func() bool { return feed.mirror[w.Key].Version == w.Version }); err != nil {
			return fmt.Errorf("Put of %q returned nil, and the feed has shown %d other changes since, but not this one: %w",
				c.short(w.Key), feed.changes()-before, err)
		}
	}
	return nil
}

func (c *check) churnBatch(expect map[string]uint64, writer, n int) (batch []share.Write) {
	for k := range 1 + n%3 {
		key := strconv.Itoa(writer) + "/" + strconv.Itoa((n*7+k)%20)
		w := c.set(key, expect[key], strconv.Itoa(n))
		if expect[key] != 0 && n%4 == 0 {
			w = c.remove(key, expect[key])
		}
		if expect[key] = w.Version; w.Delete {
			expect[key] = 0
		}
		batch = append(batch, w)
	}
	return batch
}

package hostmgr

import (
	"context"
	"sync"
)

// A crew is the workers of one Run. A worker exists only while there is work:
// kick hires the first, each hires the next if there is more to do, and each
// goes when there is none.
type crew struct {
	ctx     context.Context
	workers int // guarded by cleaner.mu
	wg      sync.WaitGroup
	over    chan struct{} // closed when no more are hired
}

// start has workers do the cleanups, until stop is called, which waits for them.
func (c *cleaner[M]) start(ctx context.Context) (stop func()) {
	k := &crew{ctx: ctx, over: make(chan struct{})}
	c.mu.Lock()
	c.crew = k
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		c.crew, c.stopping = nil, true // no worker starts from here on, so the wait is for all
		c.mu.Unlock()
		close(k.over) // who waits for a worker need not any more, not even in a cleanup
		k.wg.Wait()
		c.mu.Lock()
		c.stopping = false
		c.mu.Unlock()
	}
}

// kick hires a worker if there is work for one more.
func (c *cleaner[M]) kick() {
	if c.clean == nil {
		return
	}
	now := c.time.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hire(now)
}

// plan hires a worker for what may be done now, and returns when there will be
// more. The two go by one moment: what is not yet due is in the plan. Workers that
// are through wake Run to make a new one.
func (c *cleaner[M]) plan(now int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hire(now)
	if len(c.waiting) == 0 || c.waiting[0].at <= now {
		return never
	}
	return c.waiting[0].at
}

// hire starts a worker if there is work and room for one. The caller holds c.mu.
func (c *cleaner[M]) hire(now int64) {
	k := c.crew
	if k == nil || k.workers >= c.most || len(c.waiting) == 0 || c.waiting[0].at > now {
		return
	}
	k.workers++
	k.wg.Go(func() { c.work(k) })
}

// work does cleanups until there are none. The count of workers goes down under
// the same lock that saw that there are none, so that no job is left between two
// who each think the other takes it.
func (c *cleaner[M]) work(k *crew) {
	left := false
	defer func() {
		if !left { // a cleanup ended the goroutine
			c.mu.Lock()
			k.workers--
			c.mu.Unlock()
			c.kick()
		}
	}()
	for {
		l := c.assign(k)
		if l == nil {
			left = true
			poke(c.wake) // there may be a retry to plan for
			return
		}
		c.try(k.ctx, l)
	}
}

// assign gives a worker its next lane, or lets it go.
func (c *cleaner[M]) assign(k *crew) *lane[M] {
	now := c.time.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	var l *lane[M]
	if c.crew == k && k.ctx.Err() == nil {
		l = c.take(now)
	}
	if l == nil {
		k.workers--
		return nil
	}
	c.hire(now)
	return l
}

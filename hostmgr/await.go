package hostmgr

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
)

const maxDepth = 16

// await is how Leave waits for its own cleanup: it sees to it that j is tried,
// by others or here, and says how that went.
func (c *cleaner[M]) await(ctx context.Context, j *job[M]) error {
	for {
		l, freed, over := c.claim(ctx, j)
		switch {
		case l != nil:
			c.try(ctx, l)
			continue
		case freed == nil:
			return c.outcome(ctx, j)
		}
		select {
		case <-freed:
		case <-over: // nil without Run
		case <-ctx.Done():
		}
	}
}

// claim decides what await does next: try (the lane is its own now), wait until
// the lane is freed or the crew is dismissed, or neither, because j was tried, ctx
// is over, or an earlier cleanup of this id failed and is not retried yet.
//
// A Leave that a cleanup calls (its ctx says so) never waits, for what it waits
// for may be waiting for it: it tries on its own goroutine, which is a worker's
// already, or leaves the lane to the goroutine that has it. Cleanups that leave other hosts nest no more
// than maxDepth deep: the next one is left to a worker, or to the next Sweep.
func (c *cleaner[M]) claim(ctx context.Context, j *job[M]) (l *lane[M], freed, over <-chan struct{}) {
	now, depth := c.time.now(), c.depth(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	l = j.lane
	idle, inside := l.place >= 0, depth > 0
	switch {
	case j.tries > 0 || ctx.Err() != nil || idle && l.at > now || inside && !idle || depth >= maxDepth:
		return nil, nil, nil
	case idle && (inside || c.crew == nil):
		heap.Remove(&c.waiting, l.place)
		return l, nil, nil
	case l.freed == nil:
		l.freed = make(chan struct{})
	}
	if c.crew != nil {
		over = c.crew.over
	}
	return nil, l.freed, over
}

// depth is how many cleanups ctx is within.
func (c *cleaner[M]) depth(ctx context.Context) int {
	depth, _ := ctx.Value(c).(int)
	return depth
}

func (c *cleaner[M]) outcome(ctx context.Context, j *job[M]) error {
	c.mu.Lock()
	tries, err := j.tries, j.err
	c.mu.Unlock()
	switch {
	case tries > 0 && err == nil:
		return nil
	case tries == 0 && ctx.Err() != nil:
		err = context.Cause(ctx)
	case tries == 0 && c.depth(ctx) >= maxDepth:
		err = errors.New("too many cleanups are nested")
	case tries == 0:
		err = errors.New("that of an earlier life comes first")
	}
	return fmt.Errorf("%w: %w", ErrCleanupPending, err)
}

package hostmgr

import (
	"container/heap"
	"context"
	"fmt"
)

// await is how Leave waits for its own cleanup: it sees to it that j is tried,
// by others or here, and says how that went.
func (c *cleaner[M]) await(ctx context.Context, j *job[M]) error {
	for {
		l, freed, gone := c.claim(ctx, j)
		switch {
		case l != nil:
			c.try(ctx, l)
			continue
		case freed == nil:
			return c.outcome(ctx, j)
		}
		select {
		case <-freed:
		case <-gone: // nil without Run
		case <-ctx.Done():
		}
	}
}

// claim decides what await does next: try (the lane is its own now), wait until
// the lane is freed or the crew is gone, or neither, because j was tried, ctx is
// over, or an earlier cleanup of this id failed and is not retried yet.
func (c *cleaner[M]) claim(ctx context.Context, j *job[M]) (l *lane[M], freed, gone <-chan struct{}) {
	now := c.time.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	l = j.lane
	idle := l.place >= 0
	if j.tries > 0 || ctx.Err() != nil || idle && l.at > now {
		return nil, nil, nil
	}
	if idle && c.crew == nil {
		heap.Remove(&c.waiting, l.place)
		return l, nil, nil
	}
	if l.freed == nil {
		l.freed = make(chan struct{})
	}
	if c.crew != nil {
		gone = c.crew.gone
	}
	return nil, l.freed, gone
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
	case tries == 0:
		err = fmt.Errorf("that of an earlier life comes first")
	}
	return fmt.Errorf("%w: %w", ErrCleanupPending, err)
}

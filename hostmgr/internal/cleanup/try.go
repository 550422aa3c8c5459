package cleanup

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 30 * time.Second
)

var errGoroutineEnded = errors.New("cleanup ended its goroutine")

// try calls Clean for the first job of h, which the caller has claimed, and ends the claim. It
// records the outcome even if Clean panics or ends its goroutine.
func (q *Queue[D]) try(ctx context.Context, h *hostQueue[D]) (cleaned bool) {
	d, attempt := h.first.d, h.first.tries+1
	err := errGoroutineEnded
	defer func() {
		q.finish(h, err)
		if err != nil {
			q.config.Failed(d, attempt, err)
		}
		cleaned = err == nil
	}()
	defer func() { // separate: finish must run even if printing p ends the goroutine
		if p := recover(); p != nil {
			err = fmt.Errorf("cleanup panicked: %v\n%s", p, debug.Stack())
		}
	}()
	err = q.config.Clean(q.deeper(ctx), d, attempt)
	return
}

// finish records the outcome of a try. If the id has more jobs, it makes the queue plan for them.
func (q *Queue[D]) finish(h *hostQueue[D], err error) {
	now := q.config.Clock.Now()
	q.config.Clock.AdvanceFloor(now) // so that a clock that steps back does not delay the retry
	if err == nil {
		q.config.Done(h.first.d, now-h.first.due)
	}
	tried, more := q.record(h, err, now)
	if tried != nil {
		close(tried)
	}
	if more {
		q.config.Replan()
	}
}

// record is the part of finish that needs the lock.
func (q *Queue[D]) record(h *hostQueue[D], err error, now int64) (tried chan struct{}, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j := h.first
	j.tries++
	j.err = err
	if err != nil {
		q.failures++
		h.readyAt = now + int64(pause(j.tries))
	} else {
		q.remove(h)
	}
	if h.first != nil {
		heap.Push(&q.ready, h)
	}
	tried, h.tried = h.tried, nil
	return tried, h.first != nil
}

// pause is the time from the end of a failed try to the next try; tries counts the finished ones.
func pause(tries int) time.Duration { return min(maxPause, firstPause<<min(tries-1, 16)) }

// deeper returns the context for a cleanup, from which depth reads how deep it is nested.
func (q *Queue[D]) deeper(ctx context.Context) context.Context {
	return context.WithValue(ctx, q, q.depth(ctx)+1)
}

// depth returns how many cleanups of this queue the context is within.
func (q *Queue[D]) depth(ctx context.Context) int {
	depth, _ := ctx.Value(q).(int)
	return depth
}

package cleanup

import (
	"container/heap"
	"context"
	"errors"
)

const maxDepth = 16 // of cleanups within cleanups

var (
	errEarlierFirst = errors.New("the cleanup of an earlier registration comes first")
	errTooDeep      = errors.New("too many cleanups are nested")
)

// Await makes sure that j is tried once, by a worker or on the caller's goroutine, and returns the
// outcome. That is nil if the job is done, otherwise the reason why it is still pending:
//   - the error of the first try;
//   - the cause of ctx, if that ended before a try;
//   - an error of this package, if an earlier job of the id is in its pause, or if Await is called
//     within a cleanup and cannot run the job.
//
// Await returns nil if j is nil, as Add returns it when there is no Clean.
//
// A cleanup that calls Await must pass on its context. Such a call never waits, because the job may
// in turn wait for that cleanup. If the job's id is idle, the call runs the job inline. Otherwise
// it leaves the job to the goroutine that claimed the id. Cleanups nest at most 16 deep: the next
// one is left to a worker or a Sweep. With another context the call may wait until stop is called.
func (q *Queue[D]) Await(ctx context.Context, j *Job[D]) error {
	if j == nil {
		return nil
	}
	for {
		s := q.nextStep(ctx, j)
		switch {
		case s.run != nil:
			q.try(ctx, s.run)
		case s.tried != nil:
			s.wait(ctx)
		default:
			return q.outcome(ctx, j)
		}
	}
}

// A step is what Await does next: run the first job of an id, wait, or neither.
type step[D any] struct {
	run     *hostQueue[D]   // claimed
	tried   <-chan struct{} // the next try of the job's id has ended
	stopped <-chan struct{} // no worker will do the job; nil without workers
}

func (s step[D]) wait(ctx context.Context) {
	select {
	case <-s.tried:
	case <-s.stopped:
	case <-ctx.Done():
	}
}

// nextStep decides what Await does next. It claims the first job of j's id if no worker will. It
// waits if a worker will, or if another goroutine has claimed the id. It does neither if j was
// tried, if ctx has ended, or in the other cases of Await's comment.
func (q *Queue[D]) nextStep(ctx context.Context, j *Job[D]) (s step[D]) {
	now, depth := q.config.Clock.Now(), q.depth(ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	h := j.host
	idle, nested := h.index != claimed, depth > 0
	switch {
	case j.tries > 0 || ctx.Err() != nil || idle && h.readyAt > now || nested && !idle || depth >= maxDepth:
		return s
	case idle && (nested || q.pool == nil):
		s.run = heap.Remove(&q.ready, h.index).(*hostQueue[D])
		return s
	case h.tried == nil:
		h.tried = make(chan struct{})
	}
	s.tried = h.tried
	if q.pool != nil {
		s.stopped = q.pool.stopped
	}
	return s
}

// outcome returns the result of Await.
func (q *Queue[D]) outcome(ctx context.Context, j *Job[D]) error {
	q.mu.Lock()
	tries, err := j.tries, j.err
	q.mu.Unlock()
	switch {
	case tries > 0:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case q.depth(ctx) >= maxDepth:
		return errTooDeep
	default:
		return errEarlierFirst
	}
}

package cleanup

import (
	"container/heap"
	"context"
	"errors"
)

var (
	errEarlierFirst = errors.New("the cleanup of an earlier registration comes first")
	errLeftBehind   = errors.New("a cleanup of the id has not returned 10s after its context ended, and was left behind")
	errWithin       = errors.New("it does not run within another cleanup")
	errInUse        = errors.New("the registration is in use, and so is one of the caller")
)

// Await makes sure that j is tried once, by a worker or on a goroutine that Await starts, and
// returns the outcome. That is nil if the job is done, otherwise the reason why it is still
// pending:
//   - the error of the first try;
//   - the cause of ctx, if that ended before a try;
//   - an error of this package.
//
// The errors of this package mean that j may stay pending for long, or for good:
//   - an earlier job of the id is in its pause;
//   - a cleanup of the id was left behind;
//   - j was given up;
//   - Await is called within a cleanup, or within a Use while j waits for one.
//
// Await returns nil if j is nil, as Add returns it when there is no Clean.
//
// Within a cleanup Await neither waits nor runs a job: the job may have to wait for that cleanup.
// So cleanups do not nest, and do not wait for each other. Within a Use, Await does not wait for
// the end of any Use: that may have to wait for the end of this one.
func (q *Queue[D]) Await(ctx context.Context, j *Job[D]) error {
	if j == nil {
		return nil
	}
	within, using := q.within(ctx)
	for {
		s := q.nextStep(ctx, j, within, using)
		switch {
		case s.run != nil:
			q.aside(ctx, func(r *runner[D]) { r.try(s.run) })
		case s.tried != nil:
			s.wait(ctx)
		default:
			return s.outcome
		}
	}
}

// aside calls f on a goroutine of its own, and waits until that has ended, or its cleanup was left
// behind.
func (q *Queue[D]) aside(ctx context.Context, f func(r *runner[D])) (left bool) {
	r, done := q.newRunner(ctx, nil), make(chan struct{})
	go r.run(func() { f(r) }, func() { close(done) })
	return r.place.Wait(done)
}

// A step is what Await does next: run the first job of an id, wait, or return the outcome.
type step[D any] struct {
	run     *hostQueue[D]   // claimed
	tried   <-chan struct{} // the next try of the job's id has ended
	stopped <-chan struct{} // no worker will do the job; nil without workers
	outcome error
}

func (s step[D]) wait(ctx context.Context) {
	select {
	case <-s.tried:
	case <-s.stopped:
	case <-ctx.Done():
	}
}

// nextStep decides what Await does next. It claims the first job of j's id if no worker will. It
// waits if a worker will, if another goroutine has claimed the id, or if the id awaits a Use.
func (q *Queue[D]) nextStep(ctx context.Context, j *Job[D], within, using bool) (s step[D]) {
	now := q.config.Clock.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	h := j.host
	idle := h.index >= 0
	switch {
	case j.tries > 0 || j.err != nil:
		s.outcome = j.err
	case within:
		s.outcome = errWithin
	case using && q.behindUse(j):
		s.outcome = errInUse
	case h.isLeft():
		s.outcome = errLeftBehind
	case ctx.Err() != nil:
		s.outcome = context.Cause(ctx)
	case idle && h.readyAt > now:
		s.outcome = errEarlierFirst
	case idle && q.pool == nil:
		s.run = heap.Remove(&q.ready, h.index).(*hostQueue[D])
	default:
		s.tried, s.stopped = q.nextTry(h), q.stopped()
	}
	return s
}

// behindUse reports whether a registration is in use that j waits for: its own, or one of an
// earlier job of the id. j is pending. The caller holds the lock.
func (q *Queue[D]) behindUse(j *Job[D]) bool {
	for i := j.host.first; ; i = i.next {
		switch {
		case q.uses.of[useKey{j.host.id, i.registration}] > 0:
			return true
		case i == j:
			return false
		}
	}
}

// nextTry returns a channel that is closed when the next try of the id has ended, or earlier. The
// caller holds the lock.
func (q *Queue[D]) nextTry(h *hostQueue[D]) <-chan struct{} {
	if h.tried == nil {
		h.tried = make(chan struct{})
	}
	return h.tried
}

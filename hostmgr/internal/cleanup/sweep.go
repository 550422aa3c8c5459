package cleanup

import (
	"context"
	"time"
)

// Sweep makes each try that may be made now on the caller's goroutine, and returns how many of them
// succeeded. It calls tick after each try, and stops early when ctx ends. It does nothing
//   - between Start and its stop: the workers do the cleanups;
//   - when it is called within a cleanup, by its context;
//   - while another Sweep does cleanups, until one of them has taken 10 s.
//
// It ends, whatever is added meanwhile. Jobs are served in the order of their ready moments. A job that
// is added, or fails, after Sweep began has a later moment, or the same moment and a greater number.
//
// Sweeps do not nest: else recursion could be as deep as jobs are pending. A cleanup may call Sweep
// with any context, so the context alone is no protection. But a cleanup that hangs must not stop all
// others. So after 10 s another Sweep does them; at most Config.Workers Sweeps do cleanups at a time.
func (q *Queue[D]) Sweep(ctx context.Context, tick func()) (cleaned int) {
	if q.depth(ctx) > 0 {
		return 0 // the cleanup may be run by an Await, which sweeps does not count
	}
	began := q.config.Clock.Now()
	last, ok := q.beginSweep(began)
	if !ok {
		return 0
	}
	defer q.endSweep()
	for ctx.Err() == nil {
		h := q.claimUpTo(last, began, q.config.Clock.Now())
		if h == nil {
			break
		}
		if q.try(ctx, h) {
			cleaned++
		}
		tick()
	}
	return cleaned
}

const longCleanup = int64(10 * time.Second)

// beginSweep returns the number of the latest job; or false if other Sweeps or workers do the
// cleanups, or there are none.
func (q *Queue[D]) beginSweep(now int64) (last uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	busy := q.sweeps > 0 && now-q.sweepTryAt < longCleanup || q.sweeps >= q.config.Workers
	if busy || q.hasWorkers() || len(q.ready) == 0 {
		return 0, false
	}
	q.sweeps++
	q.sweepTryAt = now
	return q.added, true
}

func (q *Queue[D]) endSweep() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweeps--
}

// claimUpTo is claim for the jobs that were there when the Sweep began. It returns nil if a pool has
// started since.
func (q *Queue[D]) claimUpTo(last uint64, began, now int64) *hostQueue[D] {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.hasWorkers() || len(q.ready) == 0 || q.ready[0].first.number > last {
		return nil
	}
	q.sweepTryAt = now
	return q.claim(began)
}

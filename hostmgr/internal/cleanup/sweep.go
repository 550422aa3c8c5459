package cleanup

import (
	"context"
	"time"
)

// Sweep tries each job that is ready, on the caller's goroutine, and returns how many tries
// succeeded. It calls tick after each try, and stops early when ctx ends. It does nothing
//   - between Start and its stop: the workers do the cleanups;
//   - when it is called within a cleanup, by its context;
//   - while another Sweep does cleanups, until one of them has taken 10 s.
//
// It ends, whatever is added meanwhile. Jobs are served in the order in which they become ready. A
// job that is added, or fails, after Sweep began becomes ready later, or at the same time with a
// greater number.
//
// Sweeps do not nest: otherwise recursion could be as deep as jobs are pending. A cleanup may call
// Sweep with any context, so the context alone is no protection. But a cleanup that hangs must not
// stop all others. So after 10 s another Sweep does them. At most Config.Workers Sweeps do cleanups
// at a time.
func (q *Queue[D]) Sweep(ctx context.Context, tick func()) (cleaned int) {
	if q.depth(ctx) > 0 {
		return 0 // q.sweeps does not count cleanups that an Await runs
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

// beginSweep returns the number of the latest job. ok is false if there are no jobs, or if workers
// or other Sweeps do them.
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

// claimUpTo is claim for the jobs that were ready when the Sweep began. It returns nil if a pool
// has started since.
func (q *Queue[D]) claimUpTo(last uint64, began, now int64) *hostQueue[D] {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.hasWorkers() || len(q.ready) == 0 || q.ready[0].first.number > last {
		return nil
	}
	q.sweepTryAt = now
	return q.claim(began)
}

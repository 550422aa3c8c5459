package cleanup

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// A pool has the workers between a Start and its stop. A worker exists only while there is work.
// Wake or Plan starts the first worker. Each worker starts the next one if there is more to do, and
// ends when there is nothing to do.
//
// A worker that finds nothing to do frees its slot under the same lock. So a job that is added next
// finds the slot free. errgroup.SetLimit was rejected: a Group frees the slot only after the
// worker's function has returned. A job added in between would find no slot, and the worker would
// not look again.
//
// A worker whose cleanup is left behind has lost its slot, and is not waited for. It ends when the
// cleanup returns.
type pool struct {
	ctx     context.Context
	slots   *semaphore.Weighted
	workers sync.WaitGroup // but those left behind; grows under Queue.mu, while Queue.pool is this pool
	stopped chan struct{}  // closed when no more workers will start
}

// Start makes workers run the cleanups, with ctx, until stop is called. When ctx ends they begin no
// more cleanups. stop waits until each worker has ended or its cleanup is left behind. Call stop
// once, before the next Start, and not from a cleanup.
func (q *Queue[D]) Start(ctx context.Context) (stop func()) {
	p := &pool{
		ctx:     ctx,
		slots:   semaphore.NewWeighted(int64(q.config.Workers)),
		stopped: make(chan struct{}),
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pool = p
	return func() { q.stop(p) }
}

func (q *Queue[D]) stop(p *pool) {
	q.mu.Lock()
	q.pool, q.stopping = nil, true // from here on no worker starts: Wait waits for all
	q.mu.Unlock()
	close(p.stopped)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.workers.Wait()
	}()
	q.calls.Drain(ended)
	q.mu.Lock()
	q.stopping = false
	q.mu.Unlock()
	q.drains.moveOn()
}

// hasWorkers reports whether workers do the cleanups. The caller holds the lock.
func (q *Queue[D]) hasWorkers() bool { return q.pool != nil || q.stopping }

// stopped returns a channel that is closed when no worker will do any job. It is nil without
// workers. The caller holds the lock.
func (q *Queue[D]) stopped() <-chan struct{} {
	if q.pool == nil {
		return nil
	}
	return q.pool.stopped
}

// Wake starts a worker if there is work for one more, and tells of jobs that were given up. Call it
// after Add, with no lock held.
func (q *Queue[D]) Wake() {
	if q.config.Clean == nil {
		return
	}
	now := q.config.Clock.Now()
	q.mu.Lock()
	q.startWorker(now)
	untold := q.untold
	q.untold = nil
	q.mu.Unlock()
	q.tell(untold)
}

// Plan starts a worker if a job is ready by now. It returns when the next job will be ready or
// Expire has work, whichever is first. It leaves out jobs that are ready already. Config.Replan says
// when to call Plan again.
//
// Both steps use the same now, so no job can become ready between them.
func (q *Queue[D]) Plan(now int64) int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.startWorker(now)
	limit := q.calls.Plan(now)
	if next := q.next(); next > now {
		return min(next, limit)
	}
	return limit
}

// startWorker starts a worker if there is work and a slot for it. The caller holds the lock.
func (q *Queue[D]) startWorker(now int64) {
	p := q.pool
	if p == nil || q.next() > now || !p.slots.TryAcquire(1) {
		return
	}
	p.workers.Add(1)
	r := q.newRunner(p.ctx, func() { q.giveAway(p) })
	release := q.config.Clock.Hold()
	go r.run(func() { r.work(p) }, func() {
		if !r.left {
			p.workers.Done()
		}
		release()
	})
}

// giveAway gives away the slot of a worker whose cleanup was left behind.
func (q *Queue[D]) giveAway(p *pool) {
	defer p.workers.Done()
	p.slots.Release(1)
	q.Wake()
}

// work does cleanups until there are none.
func (r *runner[D]) work(p *pool) {
	slotFree, q := false, r.q
	defer func() {
		if !slotFree && !r.left { // a cleanup ended the goroutine
			p.slots.Release(1)
			q.Wake()
		}
	}()
	for {
		h, replan := q.assign(p)
		slotFree = h == nil
		if replan {
			q.config.Replan()
		}
		if h == nil {
			return
		}
		if r.try(h); r.left {
			return
		}
	}
}

// assign gives a worker its next id. If there is none, it returns nil and takes back the worker's
// slot.
//
// replan means that the next job is ready later. Plan may have left that job out: it does not look
// behind a job that is ready, and this worker or an Await has claimed such a job. Without replan a
// retry could wait for a cleanup that hangs.
func (q *Queue[D]) assign(p *pool) (h *hostQueue[D], replan bool) {
	now := q.config.Clock.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pool == p && p.ctx.Err() == nil {
		h = q.claim(now)
	}
	if h == nil {
		p.slots.Release(1)
	} else {
		q.startWorker(now)
	}
	return h, len(q.ready) > 0 && q.ready[0].readyAt > now
}

package cleanup

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

// A pool has the workers between a Start and its stop. A worker exists only while there is work.
// Wake or Plan starts the first worker. Each worker starts the next one if there is more to do, and
// ends when there is nothing to do.
//
// A worker that finds nothing to do frees its slot under the same lock. So a job that is added next
// finds the slot free. errgroup.SetLimit was rejected: a Group frees the slot only after the
// worker's function has returned. A job added in between would find no slot, and the worker would
// not look again.
type pool struct {
	ctx     context.Context
	slots   *semaphore.Weighted
	workers sync.WaitGroup // grows under Queue.mu, while Queue.pool is this pool
	stopped chan struct{}  // closed when no more workers will start
}

// Start makes workers run the cleanups, with ctx, until stop is called. When ctx ends they begin no
// more cleanups. stop waits for the workers, so Clean must heed ctx. Call stop once, before the
// next Start, and not from a cleanup.
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
	close(p.stopped) // before Wait: a worker may be in a cleanup that is in Await
	p.workers.Wait()
	q.mu.Lock()
	q.stopping = false
	q.mu.Unlock()
}

// hasWorkers reports whether workers do the cleanups. The caller holds the lock.
func (q *Queue[D]) hasWorkers() bool { return q.pool != nil || q.stopping }

// Wake starts a worker if there is work for one more. Between Start and its stop, call it after
// Add.
func (q *Queue[D]) Wake() {
	if q.config.Clean == nil {
		return
	}
	now := q.config.Clock.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.startWorker(now)
}

// Plan starts a worker if a job is ready by now. Otherwise it returns when the next job will be
// ready. It returns monotime.Never if a job is ready, or if there is none. Config.Replan says when
// to call Plan again.
//
// Both steps use the same now, so no job can become ready between them.
func (q *Queue[D]) Plan(now int64) int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.startWorker(now)
	if next := q.next(); next > now {
		return next
	}
	return monotime.Never
}

// startWorker starts a worker if there is work and a slot for it. The caller holds the lock.
func (q *Queue[D]) startWorker(now int64) {
	if p := q.pool; p != nil && q.next() <= now && p.slots.TryAcquire(1) {
		p.workers.Go(func() { q.work(p) })
	}
}

// work does cleanups until there are none.
func (q *Queue[D]) work(p *pool) {
	slotFree := false
	defer func() {
		if !slotFree { // a cleanup ended the goroutine
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
		q.try(p.ctx, h)
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

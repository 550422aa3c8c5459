package cleanup

import "context"

// Sweep tries each job that is ready, on a goroutine that it starts and waits for, and returns how
// many tries succeeded. It calls tick after each try, and stops early when ctx ends. It does nothing
//   - between Start and its stop: the workers do the cleanups;
//   - when it is called within a cleanup;
//   - while Sweeps and Drains do Config.Workers cleanups.
//
// It ends, whatever is added meanwhile. Jobs are served in the order in which they become ready. A
// job that is added, or fails, after Sweep began becomes ready later, or at the same time with a
// greater number. Two kinds of jobs are ready earlier, each at most once for an id: one that
// inherits the place of a job that was given up, and one whose last Use ends. A cleanup that is
// left behind does not hold up Sweep, which goes on with the next job.
//
// Sweeps do not nest: otherwise recursion could be as deep as jobs are pending.
func (q *Queue[D]) Sweep(ctx context.Context, tick func()) (cleaned int) {
	if within, _ := q.within(ctx); within {
		return 0
	}
	began := q.config.Clock.Now()
	last, ok := q.beginSweep()
	if !ok {
		return 0
	}
	defer q.endSweep()
	s := &sweep[D]{q: q, ctx: ctx, tick: tick, began: began, last: last}
	for !s.over {
		if q.aside(ctx, s.work) || !s.over {
			tick() // after the try that was left behind, or that ended the goroutine
		}
	}
	return s.cleaned
}

// A sweep is the state of a Sweep. It belongs to the runner while Sweep waits for that, and to
// Sweep before and after. A runner whose cleanup was left behind does not touch it any more.
type sweep[D any] struct {
	q       *Queue[D]
	ctx     context.Context
	tick    func()
	began   int64
	last    uint64 // the latest job when Sweep began
	cleaned int
	over    bool // there is nothing left to do
}

func (s *sweep[D]) work(r *runner[D]) {
	for s.ctx.Err() == nil {
		h := s.q.claimUpTo(s.last, s.began)
		if h == nil {
			break
		}
		cleaned := r.try(h)
		if r.left {
			return
		}
		if cleaned {
			s.cleaned++
		}
		s.tick()
	}
	s.over = true
}

// beginSweep returns the number of the latest job. ok is false if there are no jobs, or if workers
// or others do them.
func (q *Queue[D]) beginSweep() (last uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.hasWorkers() || q.sweeps >= q.config.Workers || len(q.ready) == 0 {
		return 0, false
	}
	q.sweeps++
	return q.added, true
}

func (q *Queue[D]) endSweep() {
	q.mu.Lock()
	q.sweeps--
	q.mu.Unlock()
	q.drains.moveOn()
}

// claimUpTo is claim for the jobs that were ready when the Sweep began. It returns nil if a pool
// has started since.
func (q *Queue[D]) claimUpTo(last uint64, began int64) *hostQueue[D] {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.hasWorkers() || len(q.ready) == 0 {
		return nil
	}
	if h := q.ready[0]; h.readyAt == began && h.first.number > last {
		return nil
	}
	return q.claim(began)
}

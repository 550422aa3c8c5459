package cleanup

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

var errNested = errors.New("no cleanup is waited for within a cleanup, or within a call that uses a registration")

// Drain does the jobs that are pending when it begins, and waits until they are done or given up.
// First it ends the pauses that jobs are in, once. From then on each job that fails waits for its
// pause. Drain returns nil, or the number of pending jobs and the cause of ctx, if that ended
// first.
//
// Between Start and its stop, the workers do the jobs. Otherwise Drain does them, each on a
// goroutine that it starts: together with Sweeps and other Drains at most Config.Workers at a time.
// It serves all jobs in the order in which they become ready, whenever they were added. But it does
// not wait for those that were added later. So it ends while jobs keep coming.
//
// A job that was left behind, or awaits a Use, holds up Drain until ctx ends, but not the jobs of
// other ids. When Drain returns, the cleanups that it began have returned, or were left behind.
//
// Within a cleanup or a Use, Drain does nothing. It returns an error at once if jobs are pending:
// they may have to wait for that cleanup, or that Use.
func (q *Queue[D]) Drain(ctx context.Context) (pending int, err error) {
	if within, using := q.within(ctx); within || using {
		if pending = q.Stats().Pending; pending > 0 {
			err = errNested
		}
		return pending, err
	}
	q.drains.n.Add(1)
	defer q.drains.n.Add(-1)
	d := &drain[D]{q: q, ctx: ctx}
	defer d.tries.Wait()
	d.endPauses()
	for {
		s := d.next()
		switch {
		case s.over:
			return s.pending, s.err
		case s.run != nil:
			d.try(s.run)
		default:
			d.wait(s)
		}
	}
}

// A drain is the state of one Drain.
type drain[D any] struct {
	q     *Queue[D]
	ctx   context.Context
	last  uint64         // the latest job when Drain began
	tries sync.WaitGroup // that it has started
	alarm alarm
}

// A drainStep is what a Drain does next: return, try the first job of an id, or wait.
type drainStep[D any] struct {
	over    bool
	pending int
	err     error
	run     *hostQueue[D] // claimed
	moved   <-chan struct{}
	at      int64 // when the next job is ready
}

func (d *drain[D]) next() (s drainStep[D]) {
	q, now := d.q, d.q.config.Clock.Now()
	s.moved, s.at = q.drains.listen(), monotime.Never // before it looks at the queue
	q.mu.Lock()
	defer q.mu.Unlock()
	oldest := q.pending.Front()
	switch {
	case oldest == nil || oldest.Value.(*Job[D]).number > d.last: // they are in the order of their numbers
		s.over = true
	case d.ctx.Err() != nil:
		s.over, s.pending, s.err = true, q.pending.Len(), context.Cause(d.ctx)
	case q.hasWorkers() || q.sweeps >= q.config.Workers:
	case q.next() <= now:
		s.run = q.claim(now)
		q.sweeps++
	default:
		s.at = q.next()
	}
	return s
}

// try starts a try of the first job of an id.
func (d *drain[D]) try(h *hostQueue[D]) {
	d.tries.Go(func() {
		defer d.q.endSweep()
		d.q.aside(d.ctx, func(r *runner[D]) { r.try(h) })
	})
}

func (d *drain[D]) wait(s drainStep[D]) {
	select {
	case <-s.moved:
	case <-d.ctx.Done():
	case <-d.alarm.set(d.q.config.Clock, s.at):
		d.alarm = alarm{}
	}
}

// endPauses makes all jobs ready that are in their pause, after those that are ready already. It
// also sets last. It holds the lock for some of them at a time.
func (d *drain[D]) endPauses() {
	hosts, now := d.begin()
	for some := range slices.Chunk(hosts, 64) {
		d.q.endPauses(some, now)
		d.q.Wake()
	}
}

// begin returns the hosts that are not claimed, and do not await a Use.
func (d *drain[D]) begin() (hosts []*hostQueue[D], now int64) {
	now = d.q.config.Clock.Now()
	d.q.mu.Lock()
	defer d.q.mu.Unlock()
	d.last = d.q.added
	return slices.Clone(d.q.ready), now
}

// endPauses makes those of the hosts ready at now that are in their pause.
func (q *Queue[D]) endPauses(hosts []*hostQueue[D], now int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, h := range hosts {
		if h.index >= 0 && h.readyAt > now {
			h.readyAt = now
			heap.Fix(&q.ready, h.index)
		}
	}
}

// An alarm is an After of the clock that is pending. A fake clock keeps an After until its time. So
// a Drain sets another one only if it needs an earlier one, or if the clock has stepped.
type alarm struct {
	at   int64
	zero time.Time // what the clock read at time 0, by its last step
	c    <-chan time.Time
}

func (a *alarm) set(c *monotime.Clock, at int64) <-chan time.Time {
	if at >= monotime.Never {
		return nil
	}
	if zero := c.Reading(0); a.c == nil || at < a.at || zero != a.zero {
		*a = alarm{at, zero, c.After(time.Duration(at - c.Now()))}
	}
	return a.c
}

// drains is what Drains wait for: a channel that is closed when a job is done or ready, or when a
// goroutine may do one more. While there are no Drains it costs one load.
type drains struct {
	n atomic.Int64

	mu    sync.Mutex // guards moved
	moved chan struct{}
}

func (d *drains) listen() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.moved == nil {
		d.moved = make(chan struct{})
	}
	return d.moved
}

// moveOn makes each Drain look at the queue again. Call it after a change, with no lock held.
func (d *drains) moveOn() {
	if d.n.Load() == 0 {
		return
	}
	d.mu.Lock()
	moved := d.moved
	d.moved = nil
	d.mu.Unlock()
	if moved != nil {
		close(moved)
	}
}

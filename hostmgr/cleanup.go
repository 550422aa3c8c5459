package hostmgr

import (
	"container/heap"
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// A cleaner has the embedder clean up after departed hosts, until it succeeds.
//
// The cleanups of one id stand in a lane and are done one at a time, in order.
// A lane is either in waiting, or in the hands of the one goroutine that took it
// out: so no two ever work for the same id, and no lock is held while they do.
//
// Nothing starves: the lanes in waiting are served in the order of the moments since which
// their first job may be tried. That is the departure for a new job, and the end of the pause
// for a job to be retried. What comes in later has a later moment, so a job waits for those
// only that were ready before it.
type cleaner[M any] struct {
	clean func(context.Context, Departure[M]) error
	time  *timeline
	log   *slog.Logger
	wake  chan struct{} // tells Run that a retry is planned
	most  int           // workers

	mu       sync.Mutex // guards all below; taken under Registry.mu, never the other way round
	lanes    map[string]*lane[M]
	waiting  laneHeap[M] // lanes that no goroutine works on, the one that is served next first
	seq      uint64      // of the latest job
	byHand   int         // Sweeps that do cleanups
	handAt   int64       // when the latest of them began with one
	crew     *crew       // while Run runs
	stopping bool        // the former crew has not ended yet
	pending  list.List   // of jobs, in the order of departures
	failures uint64
	took     latencies
}

// A lane is the cleanups of one id, the oldest first.
type lane[M any] struct {
	jobs  []*job[M]
	at    int64         // since when the first job may be tried
	place int           // in waiting, or -1
	freed chan struct{} // closed when the next try is finished; nil: nobody asked
}

// A job is one cleanup.
type job[M any] struct {
	lane  *lane[M]
	seq   uint64        // in the order of departures
	place *list.Element // in pending
	dep   Departure[M]  // Attempt is the next try's
	due   int64         // from when on it takes time
	since int64         // when it was queued
	tries int           // finished
	err   error         // of the latest
}

func newCleaner[M any](cfg Config[M], t *timeline, wake chan struct{}) *cleaner[M] {
	return &cleaner[M]{
		clean: cfg.Cleanup, time: t, log: cfg.Logger, wake: wake, most: cfg.CleanupWorkers,
		lanes: map[string]*lane[M]{},
	}
}

// count fills in what Stats says of cleanups.
func (c *cleaner[M]) count(s *Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.CleanupPending, s.CleanupFailures = c.pending.Len(), c.failures
	if first := c.pending.Front(); first != nil {
		s.CleanupOldest = first.Value.(*job[M]).dep.At
	}
	c.took.fill(s)
}

// add queues the cleanup after d, which takes time from due on. kick or sweep gets it done.
func (c *cleaner[M]) add(d Departure[M], due, now int64) *job[M] {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	j := &job[M]{seq: c.seq, dep: d, due: due, since: now}
	l, ok := c.lanes[d.Host.ID]
	if !ok {
		l = &lane[M]{}
		c.lanes[d.Host.ID] = l
	}
	j.lane, l.jobs = l, append(l.jobs, j)
	j.place = c.pending.PushBack(j)
	if !ok {
		l.at = now
		heap.Push(&c.waiting, l)
	}
	return j
}

// next is when the next try may be made.
func (c *cleaner[M]) next() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return never
	}
	return c.waiting[0].at
}

// take takes a lane whose time has come out of waiting, or returns nil. The
// caller holds c.mu.
func (c *cleaner[M]) take(now int64) *lane[M] {
	if len(c.waiting) == 0 || c.waiting[0].at > now {
		return nil
	}
	return heap.Pop(&c.waiting).(*lane[M])
}

// try makes one try at the first job of a lane that the caller has taken. It
// survives whatever the cleanup does to its goroutine.
func (c *cleaner[M]) try(ctx context.Context, l *lane[M]) (cleaned bool) {
	c.mu.Lock()
	dep := l.jobs[0].dep
	c.mu.Unlock()
	err := errors.New("cleanup ended its goroutine")
	defer func() {
		c.finish(l, err)
		if err != nil {
			c.log.Error("cleanup failed", "host", dep.Host.ID, "life", dep.Host.Life,
				"kind", dep.Kind, "attempt", dep.Attempt, "err", brief(err))
		}
		cleaned = err == nil
	}()
	defer func() { // before, because what it panics with may end the goroutine when it is printed
		if p := recover(); p != nil {
			err = fmt.Errorf("cleanup panicked: %v\n%s", p, debug.Stack())
		}
	}()
	err = c.clean(context.WithValue(ctx, c, c.depth(ctx)+1), dep)
	return
}

// finish takes in the outcome of a try, and puts the lane back if there is more
// to do.
func (c *cleaner[M]) finish(l *lane[M], err error) {
	now := c.time.now()
	c.time.raise(now) // so that a clock that steps back behind it does not put the retry off
	c.mu.Lock()
	j, freed := l.jobs[0], l.freed
	l.freed = nil
	j.tries++
	j.err = err
	if err != nil {
		c.failures++
		l.at = now + int64(retry(j.tries))
		j.dep.Attempt++
	} else {
		c.took.record(j.dep.Kind, now-j.due)
		c.drop(l)
	}
	more := len(l.jobs) > 0
	if more {
		if err == nil {
			l.at = l.jobs[0].since
		}
		heap.Push(&c.waiting, l)
	}
	c.mu.Unlock()
	if freed != nil {
		close(freed)
	}
	if more {
		poke(c.wake)
	}
}

// drop removes the job that is done, and what only grew for a mass departure.
func (c *cleaner[M]) drop(l *lane[M]) {
	id := l.jobs[0].dep.Host.ID
	c.pending.Remove(l.jobs[0].place)
	l.jobs[0] = nil
	l.jobs = l.jobs[1:]
	if len(l.jobs) == 0 {
		delete(c.lanes, id)
	}
	if len(c.lanes) == 0 {
		c.lanes, c.waiting = map[string]*lane[M]{}, nil
	}
}

// retry is the pause after so many tries that failed.
func retry(tries int) time.Duration { return min(lastRetry, firstRetry<<min(tries-1, 16)) }

// sweep makes, on this goroutine, each try that may be made now, and returns how many succeeded;
// tick is called after each. Under Run it leaves them to the workers.
//
// It ends, whatever departs meanwhile: jobs are served in the order of their moments, and one that
// is queued, or put off, after the beginning has a later moment, or at least a greater number.
//
// And it is flat: while a Sweep does a cleanup another one does none, for the cleanup may have called
// it, with whatever context. Only when that cleanup has taken 10 s another Sweep goes on with the
// others, so that one that hangs does not keep them. There are as many as Run has workers at
// most.
func (c *cleaner[M]) sweep(ctx context.Context, tick func()) (cleaned int) {
	if c.depth(ctx) > 0 {
		return 0 // one that a Leave does
	}
	until := c.time.now()
	last, ok := c.beginSweep(until)
	if !ok {
		return 0
	}
	defer c.endSweep()
	for ctx.Err() == nil {
		l := c.takeUpTo(until, last, c.time.now())
		if l == nil {
			break
		}
		if c.try(ctx, l) {
			cleaned++
		}
		tick()
	}
	return cleaned
}

const longCleanup = 10 * int64(time.Second)

// beginSweep returns the number of the latest job; or false if other Sweeps, or Run's workers, do the
// cleanups, or there are none.
func (c *cleaner[M]) beginSweep(now int64) (last uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	busy := c.byHand > 0 && now-c.handAt < longCleanup || c.byHand >= c.most
	if busy || c.hasWorkers() || len(c.waiting) == 0 {
		return 0, false
	}
	c.byHand, c.handAt = c.byHand+1, now
	return c.seq, true
}

func (c *cleaner[M]) endSweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byHand--
}

// takeUpTo is take, for jobs up to that number, unless Run has begun.
func (c *cleaner[M]) takeUpTo(until int64, last uint64, now int64) *lane[M] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hasWorkers() || len(c.waiting) == 0 || c.waiting[0].jobs[0].seq > last {
		return nil
	}
	c.handAt = now
	return c.take(until)
}

// hasWorkers tells whether there are workers of Run, of one that is ending too. The caller holds c.mu.
func (c *cleaner[M]) hasWorkers() bool { return c.crew != nil || c.stopping }

// A laneHeap is a container/heap of lanes, by since when they may be tried; of equals the one
// whose first job departed first is served first.
type laneHeap[M any] []*lane[M]

func (h laneHeap[M]) Len() int { return len(h) }

func (h laneHeap[M]) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].jobs[0].seq < h[j].jobs[0].seq
}

func (h laneHeap[M]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push is for container/heap.
func (h *laneHeap[M]) Push(x any) {
	l := x.(*lane[M])
	l.place = len(*h)
	*h = append(*h, l)
}

// Pop is for container/heap.
func (h *laneHeap[M]) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	l.place = -1
	return l
}

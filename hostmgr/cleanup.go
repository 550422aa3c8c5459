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
type cleaner[M any] struct {
	clean func(context.Context, Departure[M]) error
	time  *timeline
	log   *slog.Logger
	wake  chan struct{} // tells Run that a retry is planned
	most  int           // workers

	mu       sync.Mutex // guards all below; taken under Registry.mu, never the other way round
	lanes    map[string]*lane[M]
	waiting  laneHeap[M] // lanes that nobody works on, by when they may be
	crew     *crew       // while Run runs
	pending  list.List   // of jobs, in the order of departures
	failures uint64
	took     latencies
}

// A lane is the cleanups of one id, the oldest first.
type lane[M any] struct {
	jobs  []*job[M]
	at    int64         // no try before
	place int           // in waiting, or -1
	freed chan struct{} // closed when the next try is finished; nil: nobody asked
}

// A job is one cleanup.
type job[M any] struct {
	lane  *lane[M]
	place *list.Element // in pending
	dep   Departure[M]  // Attempt is the next try's
	due   int64         // from when on it takes time
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

// add queues the cleanup after d, which takes time from due on. kick or byHand gets it done.
func (c *cleaner[M]) add(d Departure[M], due int64) *job[M] {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.lanes[d.Host.ID]
	if !ok {
		l = &lane[M]{}
		c.lanes[d.Host.ID] = l
		heap.Push(&c.waiting, l)
	}
	j := &job[M]{lane: l, dep: d, due: due}
	l.jobs = append(l.jobs, j)
	j.place = c.pending.PushBack(j)
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
		if p := recover(); p != nil {
			err = fmt.Errorf("cleanup panicked: %v\n%s", p, debug.Stack())
		}
		c.finish(l, err)
		if err != nil {
			c.log.Error("cleanup failed", "host", dep.Host.ID, "life", dep.Host.Life,
				"kind", dep.Kind, "attempt", dep.Attempt, "err", err)
		}
		cleaned = err == nil
	}()
	err = c.clean(context.WithValue(ctx, c, l), dep)
	return
}

// finish takes in the outcome of a try, and puts the lane back if there is more
// to do.
func (c *cleaner[M]) finish(l *lane[M], err error) {
	now := c.time.now()
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

// byHand makes, on this goroutine, the next try that may be made by now. Under
// Run it leaves it to the workers.
func (c *cleaner[M]) byHand(ctx context.Context, now int64) (cleaned, tried bool) {
	c.mu.Lock()
	var l *lane[M]
	if c.crew == nil && ctx.Err() == nil {
		l = c.take(now)
	}
	c.mu.Unlock()
	return l != nil && c.try(ctx, l), l != nil
}

// A laneHeap is a container/heap of lanes, by when they may be tried.
type laneHeap[M any] []*lane[M]

func (h laneHeap[M]) Len() int           { return len(h) }
func (h laneHeap[M]) Less(i, j int) bool { return h[i].at < h[j].at }

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

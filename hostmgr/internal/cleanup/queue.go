// Package cleanup runs the embedder's cleanup for departed hosts until it succeeds.
//
// The jobs of one host id form a queue of their own. They are done one at a time, in the order of
// [Queue.Add]. A job that fails is tried again after a pause; later jobs of its id wait for it. The
// longest pause grows from 100 ms to 30 s, and each pause is between half of that and all of it.
// When more than 16 jobs of an id are pending, the oldest that is not running is given up: see
// maxPerID.
//
// Between [Queue.Start] and its stop, workers do the jobs. Otherwise [Queue.Sweep], [Queue.Drain]
// and [Queue.Await] do them, on goroutines that they start and wait for. Package calls has the time
// limit of a cleanup, and says what happens to a cleanup that ignores it. A [Use] of a registration
// keeps its job from beginning.
//
// The queue is fair: it serves the ids in the order in which they become ready. A new job is ready
// when it is added, a failed job at the end of its pause, and an id when its first job is. So a job
// waits only for jobs that were ready before it.
//
// The package knows nothing of hosts: a job carries a value of the caller's type D. It is no
// general task queue: jobs are not persisted or cancelled.
//
// All methods are safe for concurrent use. A cleanup may call any of them but stop. The queue owns
// its mutex, and calls no function of [Config] while it holds the mutex. Add, Has, Plan, Next,
// Failing, Stats and Use.Begin may be called under a lock of the caller: the order is the caller's
// lock, the queue's, then that of package calls. No goroutine outlives stop, Sweep, Drain or Await,
// except that of a cleanup that was left behind.
package cleanup

import (
	"container/list"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/calls"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

// Config holds the functions and limits of a queue. Clean and Draw may be nil; all other fields
// must be set.
type Config[D any] struct {
	// Clean does the work of a job; attempt counts its calls from 1. An error, a panic and an end
	// of its goroutine (runtime.Goexit) are failures. If Clean is nil no job is ever queued.
	Clean func(ctx context.Context, d D, attempt int) error
	// Clock measures pauses and durations.
	Clock *monotime.Clock
	// Limit is the time limit of a call of Clean. Then its context ends.
	Limit time.Duration
	// Workers is how many cleanups run at a time under Start, and how many Sweeps do cleanups at a
	// time. It is at least 1.
	Workers int
	// Replan is called when Plan may have a new answer: a job has become ready, or will. It is also
	// called when Failing has become 0.
	Replan func()
	// Failed is called after each failure, on the goroutine of the cleanup. It may end that
	// goroutine, as err.Error may: err can be of any type.
	Failed func(d D, attempt int, err error)
	// Done is called after a success, before Await or Stats show it. took is the time since the
	// job's due moment, in nanoseconds.
	Done func(d D, took int64)
	// TimedOut is called when a cleanup has reached the limit, and LeftBehind when it is left
	// behind. It may have returned meanwhile.
	TimedOut, LeftBehind func(d D)
	// GivenUp is called by Wake after a job was given up.
	GivenUp func(d D)
	// Draw returns a random number that is at least 0 and below n. Nil means rand.Int64N.
	Draw func(n int64) int64
}

// A Queue has the cleanups that have not succeeded yet. Make one with New.
type Queue[D any] struct {
	config Config[D]

	calls  *calls.Calls // of Clean
	drains drains

	mu       sync.Mutex // guards all below
	hosts    map[string]*hostQueue[D]
	ready    readyHeap[D]         // the hosts that are not claimed and await no Use
	added    uint64               // jobs so far: the number of the latest
	pending  list.List            // of *Job[D], in the order of Add
	cursors  map[*cursor]struct{} // of Pending
	uses     uses
	failures uint64
	failing  int // ids whose latest try failed
	givenUp  uint64
	untold   []givenUp[D]        // what Wake tells
	pool     *pool               // between Start and its stop
	stopping bool                // workers of the last pool may be running
	sweeps   int                 // Sweeps that do cleanups, and tries of Drains
	runners  map[uint64]struct{} // by the number of the goroutine
}

// Stats is a snapshot of a queue's figures.
type Stats[D any] struct {
	Pending  int    // jobs that have not succeeded yet
	AwaitUse int    // ids whose first job waits for a Use
	Oldest   D      // the value of the oldest pending job; zero if there is none
	Failures uint64 // calls of Clean that failed
	GivenUp  uint64 // jobs
	Calls    calls.Stats
}

// New returns an empty queue.
func New[D any](c Config[D]) *Queue[D] {
	if c.Draw == nil {
		c.Draw = rand.Int64N
	}
	q := &Queue[D]{config: c, hosts: map[string]*hostQueue[D]{}, runners: map[uint64]struct{}{}}
	q.calls = q.newCalls()
	return q
}

// A Task is what a job does, and how far it is.
type Task[D any] struct {
	ID           string // of the host
	Registration uint64
	Value        D
	Due          int64 // its duration counts from then
	Tries        int   // that have begun
}

// Add queues a cleanup, ready at now. Add starts no worker, and only notes which job is given up:
// call Wake after it. If there is no Clean, Add does nothing and returns nil.
func (q *Queue[D]) Add(t Task[D], now int64) *Job[D] {
	if q.config.Clean == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.add(&t, now)
}

// AddOnce is Add, unless a job of the same id and registration is pending. It returns whether it
// has added the job. Registration 0 is not compared.
func (q *Queue[D]) AddOnce(t Task[D], now int64) (added bool) {
	if q.config.Clean == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.Registration != 0 && q.has(t.ID, t.Registration) {
		return false
	}
	q.add(&t, now)
	return true
}

// Has reports whether a job of this id and registration is pending.
func (q *Queue[D]) Has(id string, registration uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.has(id, registration)
}

// has is Has for a caller that holds the lock.
func (q *Queue[D]) has(id string, registration uint64) bool {
	h, ok := q.hosts[id]
	if !ok {
		return false
	}
	for j := h.first; j != nil; j = j.next {
		if j.registration == registration {
			return true
		}
	}
	return false
}

// add is Add for a caller that holds the lock.
func (q *Queue[D]) add(t *Task[D], now int64) *Job[D] {
	q.added++
	j := &Job[D]{
		d: t.Value, registration: t.Registration, number: q.added, due: t.Due, addedAt: now, triedBefore: t.Tries,
	}
	j.place = q.pending.PushBack(j)
	h, ok := q.hosts[t.ID]
	if !ok {
		h = &hostQueue[D]{id: t.ID, readyAt: now}
		q.hosts[t.ID] = h
	}
	if h.append(j); !ok {
		q.enqueue(h)
	}
	q.bound(h)
	return j
}

// Next returns when the next cleanup may begin, which may be in the past. It returns monotime.Never
// if there is none. Running cleanups do not count, and neither do those that await a Use.
func (q *Queue[D]) Next() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.next()
}

// next is Next for a caller that holds the lock.
func (q *Queue[D]) next() int64 {
	if len(q.ready) == 0 {
		return monotime.Never
	}
	return q.ready[0].readyAt
}

// Failing returns the number of ids whose latest try has failed.
func (q *Queue[D]) Failing() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failing
}

// Stats returns the figures as they are now.
func (q *Queue[D]) Stats() Stats[D] {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := Stats[D]{
		Pending: q.pending.Len(), AwaitUse: q.uses.awaited, Failures: q.failures, GivenUp: q.givenUp, Calls: q.calls.Stats(),
	}
	if first := q.pending.Front(); first != nil {
		s.Oldest = first.Value.(*Job[D]).d
	}
	return s
}

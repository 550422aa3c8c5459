package cleanup

import (
	"container/heap"
	"container/list"

	"github.com/hostlife/hostlife/hostmgr/internal/calls"
)

// A Job is one queued cleanup. Callers pass it to Await.
type Job[D any] struct {
	d            D
	registration uint64
	number       uint64        // in the order of Add
	due          int64         // when its duration begins
	addedAt      int64         // when it was added
	place        *list.Element // in Queue.pending
	host         *hostQueue[D]
	next         *Job[D] // of the same id
	triedBefore  int     // before it was added: tries of an earlier process
	tries        int     // finished, since then
	err          error   // of the latest try, or errGivenUp
}

// A hostQueue has the jobs of one id, the oldest first. It has at least one.
//
// It is in Queue.ready, or waits for a Use of its first job's registration, or is claimed by the
// one goroutine that took it out of Queue.ready. So no two goroutines work for the same id, and
// none holds a lock while it works. Only the goroutine that claimed a hostQueue changes first, and
// the tries of that job. It may read both without the lock.
type hostQueue[D any] struct {
	id          string
	first, last *Job[D]
	jobs        int
	readyAt     int64         // the first job may be tried from then on
	index       int           // in Queue.ready, or claimed, or awaitsUse
	failed      int           // tries since the last success
	place       *calls.Place  // where the first job is being tried
	tried       chan struct{} // closed when the next try has ended; nil until Await waits for that
}

// The index of a hostQueue that is not in Queue.ready.
const (
	claimed   = -1 // a goroutine works on it
	awaitsUse = -2
)

func (h *hostQueue[D]) append(j *Job[D]) {
	j.host = h
	if h.jobs++; h.first == nil {
		h.first = j
	} else {
		h.last.next = j
	}
	h.last = j
}

// claim takes the next hostQueue out if its first job may be tried by now; otherwise it returns
// nil. The caller holds the lock.
func (q *Queue[D]) claim(now int64) *hostQueue[D] {
	if q.next() > now {
		return nil
	}
	return heap.Pop(&q.ready).(*hostQueue[D])
}

// remove removes the first job of h, which is done. If it was the last job of the queue, remove
// releases the memory that a mass departure needed. The caller holds the lock.
func (q *Queue[D]) remove(h *hostQueue[D]) {
	j := h.first
	q.unlist(j)
	h.first = j.next
	h.jobs--
	switch {
	case h.first != nil:
		h.readyAt = h.first.addedAt
	case len(q.hosts) == 1: // a map does not shrink
		q.hosts, q.ready = map[string]*hostQueue[D]{}, nil
	default:
		delete(q.hosts, h.id)
	}
}

// A readyHeap is a container/heap of hostQueues, by readyAt and then by the number of the first
// job.
type readyHeap[D any] []*hostQueue[D]

func (r readyHeap[D]) Len() int { return len(r) }

func (r readyHeap[D]) Less(i, j int) bool {
	if r[i].readyAt != r[j].readyAt {
		return r[i].readyAt < r[j].readyAt
	}
	return r[i].first.number < r[j].first.number
}

func (r readyHeap[D]) Swap(i, j int) {
	r[i], r[j] = r[j], r[i]
	r[i].index, r[j].index = i, j
}

func (r *readyHeap[D]) Push(x any) {
	h := x.(*hostQueue[D])
	h.index = len(*r)
	*r = append(*r, h)
}

func (r *readyHeap[D]) Pop() any {
	last := len(*r) - 1
	h := (*r)[last]
	(*r)[last] = nil
	*r = (*r)[:last]
	h.index = claimed
	return h
}

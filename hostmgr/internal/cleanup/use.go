package cleanup

import (
	"container/heap"
	"strings"
)

// A Use keeps the cleanup of a registration from beginning, from Begin to End. It is for a function
// that prepares what the cleanup will free.
//
// The caller begins the Use under its own lock while the registration is current. When the
// registration ends, the caller adds the job under the same lock. So the job comes after Begin, and
// add sees the Use.
//
// An id whose first job is of a registration in use is not in Queue.ready. So no worker, Sweep or
// Drain waits for it, and other ids are not held up. The last End puts the id there.
//
// One goroutine makes, begins and ends a Use, which is not copied.
type Use[D any] struct {
	q         *Queue[D] // nil if there is no Clean
	goroutine uint64
	key       useKey
}

type useKey struct {
	id           string
	registration uint64
}

// uses are the Uses that have begun and not ended. Queue.mu guards them.
type uses struct {
	of      map[useKey]int  // Uses of each registration; nil if there are none
	callers map[uint64]int  // Uses by the number of their goroutine
	awaited int             // ids that await a Use
	moved   map[useKey]move // where Uses of a registration count now; nil if there are none
}

// A move says that Uses that began for one registration count for another one: see Queue.Renumber.
type move struct {
	to   uint64 // the other registration
	uses int
}

// NewUse returns a Use for the calling goroutine. If there is no Clean, it has no effect.
func (q *Queue[D]) NewUse() Use[D] {
	if q.config.Clean == nil {
		return Use[D]{}
	}
	return Use[D]{q: q, goroutine: goroutine()}
}

// Begin begins the Use of a registration whose job is not added yet.
func (u *Use[D]) Begin(id string, registration uint64) {
	if u.q == nil {
		return
	}
	u.q.mu.Lock()
	defer u.q.mu.Unlock()
	u.key = useKey{id, registration}
	u.q.uses.add(u.key, u.goroutine)
}

// End ends the Use. It is called once, with no lock held.
func (u *Use[D]) End() {
	if u.q == nil {
		return
	}
	tried, ready := u.end()
	if tried != nil {
		close(tried) // each Await of the id looks again
	}
	if ready {
		u.q.Wake()
		u.q.drains.moveOn()
		u.q.config.Replan()
	}
}

// Renumber makes the Uses of a registration those of another registration of the same id, which is
// the current one from then on. No job of either is added yet, and the caller holds its own lock,
// as for Begin.
func (q *Queue[D]) Renumber(id string, from, to uint64) {
	if q.config.Clean == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.uses.move(useKey{id, from}, to)
}

// end is the part of End that needs the lock. ready means that the id no longer awaits a Use.
func (u *Use[D]) end() (tried chan struct{}, ready bool) {
	q := u.q
	q.mu.Lock()
	defer q.mu.Unlock()
	q.uses.remove(q.uses.current(u.key), u.goroutine)
	h := q.hosts[u.key.id]
	if h == nil || h.index != awaitsUse || q.inUse(h) {
		return nil, false
	}
	q.uses.awaited--
	heap.Push(&q.ready, h)
	tried, h.tried = h.tried, nil
	return tried, true
}

// enqueue puts an id among those that are ready, unless it awaits a Use. The caller holds the lock.
func (q *Queue[D]) enqueue(h *hostQueue[D]) {
	if len(q.uses.of) > 0 && q.inUse(h) {
		h.index = awaitsUse
		q.uses.awaited++
		return
	}
	heap.Push(&q.ready, h)
}

// inUse reports whether the registration of the first job of an id is in use.
func (q *Queue[D]) inUse(h *hostQueue[D]) bool {
	return q.uses.of[useKey{h.id, h.first.registration}] > 0
}

func (u *uses) add(k useKey, goroutine uint64) {
	if u.of == nil {
		u.of, u.callers = map[useKey]int{}, map[uint64]int{}
	}
	u.of[k]++
	if goroutine != 0 {
		u.callers[goroutine]++
	}
}

func (u *uses) move(from useKey, to uint64) {
	n := u.of[from]
	if n == 0 {
		return
	}
	if u.moved == nil {
		u.moved = map[useKey]move{}
	}
	from.id = strings.Clone(from.id) // the caller's may hold a block of ids in memory
	delete(u.of, from)
	u.moved[from] = move{to, n}
	u.of[useKey{from.id, to}] += n
}

// current returns the key under which a Use counts that ends now.
func (u *uses) current(k useKey) useKey {
	for {
		m, ok := u.moved[k]
		if !ok {
			return k
		}
		if m.uses--; m.uses > 0 {
			u.moved[k] = m
		} else {
			delete(u.moved, k)
		}
		k.registration = m.to
	}
}

// remove drops the maps with their last entries, because maps do not shrink.
func (u *uses) remove(k useKey, goroutine uint64) {
	if u.of[k]--; u.of[k] == 0 {
		delete(u.of, k)
	}
	if u.callers[goroutine]--; u.callers[goroutine] <= 0 {
		delete(u.callers, goroutine)
	}
	if len(u.of) == 0 {
		u.of, u.callers, u.moved = nil, nil, nil
	}
}

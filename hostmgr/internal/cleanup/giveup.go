package cleanup

import (
	"container/heap"
	"errors"
)

// At most so many jobs of an id are pending while its cleanup does not succeed, or awaits a Use.
// Otherwise the jobs of a host that departs again and again would pile up behind it. Jobs that only
// wait for their turn are not given up: a host may well depart more often between two sweeps.
const maxPerID = 16

var errGivenUp = errors.New("the cleanup was given up: too many later ones of the id are pending")

// A givenUp job is one that Wake tells of.
type givenUp[D any] struct {
	d     D
	tried chan struct{} // of the id, or nil
}

// bound gives up the oldest jobs of an id if it has too many, and its cleanup has failed, was left
// behind or awaits a Use. The caller holds the lock.
func (q *Queue[D]) bound(h *hostQueue[D]) {
	for h.jobs > maxPerID && (h.failed > 0 || h.index == awaitsUse || h.isLeft()) {
		q.giveUpOldest(h)
	}
}

// giveUpOldest gives up the oldest job of the id, but not the first one while it runs or awaits a
// Use. The next job inherits its place among the ids, and its pause. Otherwise an id whose jobs
// come faster than a backlog is served would lose its place each time, and never be served. The
// caller holds the lock.
func (q *Queue[D]) giveUpOldest(h *hostQueue[D]) {
	j := h.first
	h.jobs--
	if h.index < 0 {
		j = h.first.next
		h.first.next = j.next
	} else {
		heap.Remove(&q.ready, h.index)
		h.first = j.next
		q.enqueue(h)
	}
	q.unlist(j)
	j.err = errGivenUp
	q.givenUp++
	q.untold = append(q.untold, givenUp[D]{j.d, h.tried})
	h.tried = nil
}

// tell tells of jobs that were given up: their Awaits, and Config.GivenUp.
func (q *Queue[D]) tell(jobs []givenUp[D]) {
	for _, j := range jobs {
		if j.tried != nil {
			close(j.tried) // each Await of the id looks again
		}
		q.config.GivenUp(j.d)
	}
	if len(jobs) > 0 {
		q.drains.moveOn()
	}
}

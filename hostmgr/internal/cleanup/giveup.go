package cleanup

import (
	"container/heap"
	"errors"
)

// At most so many jobs of one id are pending. Otherwise a cleanup that never succeeds would let the
// jobs of a host that departs again and again pile up behind it.
const maxPerID = 16

var errGivenUp = errors.New("the cleanup was given up: too many later ones of the id are pending")

// A givenUp job is one that Wake tells of.
type givenUp[D any] struct {
	d     D
	tried chan struct{} // of the id, or nil
}

// giveUpOldest gives up the oldest job of the id that is not running. The next job inherits its
// place among the ids, and its pause. Otherwise an id whose jobs come faster than a backlog is served
// would lose its place each time, and never be served. The caller holds the lock.
func (q *Queue[D]) giveUpOldest(h *hostQueue[D]) {
	j := h.first
	if h.index == claimed {
		j = h.first.next
		h.first.next = j.next
	} else {
		h.first = j.next
		heap.Fix(&q.ready, h.index)
	}
	q.pending.Remove(j.place)
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
}

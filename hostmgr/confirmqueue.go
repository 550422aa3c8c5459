package hostmgr

import (
	"strings"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// A confirmQueue has the hosts that wait for Confirm, in the order in which Confirm is asked about
// them. A host joins at the back, so it waits only for the hosts that joined before it. Registry.mu
// guards the queue.
type confirmQueue struct {
	first, last *turn
	waiting     int

	asking  bool  // a goroutine takes hosts from the queue
	asked   int   // hosts that Confirm is asked about now
	askedAt int64 // since when
}

// A turn is what the queue and the asker know of a held host. The hold of the host has it. So a
// host is in the queue once, and an answer of Confirm is about one hold only. The turn names the
// host, because the entry may move. It is used again each time that Confirm is asked.
type turn struct {
	id           string
	hash         index.Hash
	registration uint64
	word         int64 // the contact word when Confirm was asked

	state         turnState
	counted       bool // Confirm was asked at least once
	before, after *turn
}

// A turnState says where a host is on its way to Confirm.
type turnState uint8

const (
	answered turnState = iota // or not asked yet: the next check puts the host into the queue
	queued
	asked // Confirm is asked about the host now
	ended // the host is not held any more
)

func newTurn(e index.Entry) *turn {
	return &turn{id: strings.Clone(e.ID()), hash: e.Hash(), registration: e.Registration()}
}

// join puts a host at the back, unless it is in the queue or Confirm is asked about it now.
func (q *confirmQueue) join(t *turn) {
	if t.state != answered {
		return
	}
	t.state, t.before = queued, q.last
	if q.last == nil {
		q.first = t
	} else {
		q.last.after = t
	}
	q.last = t
	q.waiting++
}

// next takes the first host out of the queue, which must not be empty.
func (q *confirmQueue) next() *turn {
	t := q.first
	q.remove(t, asked)
	return t
}

// end ends a turn, with the hold of its host. It does nothing if t is nil.
func (q *confirmQueue) end(t *turn) {
	switch {
	case t == nil:
	case t.state == queued:
		q.remove(t, ended)
	default:
		t.state = ended
	}
}

func (q *confirmQueue) remove(t *turn, becomes turnState) {
	if t.before == nil {
		q.first = t.after
	} else {
		t.before.after = t.after
	}
	if t.after == nil {
		q.last = t.before
	} else {
		t.after.before = t.before
	}
	t.state, t.before, t.after = becomes, nil, nil
	q.waiting--
}

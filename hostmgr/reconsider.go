package hostmgr

import (
	"strings"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Reconsider asks the policies again for the timeouts of all hosts. Call it when the answers of a
// Policy have changed: between two calls a Policy is pure, and the registry keeps its answers.
//
// When Reconsider returns, each host has the new timeouts, counted from its last contact. If a new
// timeout has passed, the next sweep finds the host suspect or due. If a suspect has more time now,
// it recovers. A shorter timeout also applies to hosts with a heartbeat that returned before.
//
// The policies are asked once for each interval and zone that hosts have, and for each host if one
// is a HistoryPolicy. No lock is held meanwhile, and until the first question of a kind is answered
// the former answers apply. So a policy that hangs or panics here holds up no other call, and may
// call the registry, except for Reconsider itself. If two calls overlap, the answers of the one
// that began later apply, and the other one may return before they do.
func (r *Registry[M]) Reconsider() {
	c := &reconsideration[M]{round: r.policies.newRound(), r: r}
	c.collect()
	c.ask()
	if !c.publish() || !c.apply() {
		return
	}
	if len(c.open) > 0 {
		c.ask()
		if !c.apply() {
			return
		}
	}
	if r.policies.needHistory {
		c.relearn()
	}
}

// A reconsideration is one call of Reconsider. Its methods are called with no lock held.
//
// No host keeps an old answer. The answers of a round are published at one moment, and applied to
// the hosts later, bucket by bucket, under the lock. Another call that gives an answer to a host
// reads which round is published, asks without the lock, and compares the two rounds under the
// lock:
//   - A call that compares before that moment gives the old answer, and releases the lock before
//     the host's bucket has its turn. Then the host gets the new answer.
//   - A call that compares later finds that its answer is old, and asks again.
//
// Hosts whose question was new, because they joined after the questions were collected and before
// the answers were published, are found when the answers are applied. That is the last time that
// there are any, so to ask and apply once more is enough.
//
// The answers to arrival histories are not kept. Outdate makes an answer under way come too late,
// and each host is asked about after its Outdate.
type reconsideration[M any] struct {
	*round
	r *Registry[M]
}

// collect notes the questions about all hosts.
func (c *reconsideration[M]) collect() {
	for at := (index.Cursor{}); !at.Done(); {
		c.collectBucket(&at)
	}
}

// publish replaces the answers that are kept by those of the round. It returns false, and changes
// nothing, if a round that began later has published: that one asked later too.
func (c *reconsideration[M]) publish() (ok bool) {
	s, _ := c.r.lock()
	defer c.r.unlock()
	if ok = s.round < c.number; ok {
		s.round = c.number
		c.replaceKept()
	}
	return ok
}

func (c *reconsideration[M]) collectBucket(at *index.Cursor) {
	v := c.r.peek()
	defer c.r.mu.RUnlock()
	v.index.Advance(at, func(e index.Entry) { c.answer(v.questionOf(e)) })
}

// apply gives the answers to the hosts. It stops early and returns false when a later round has
// published: that one gives its answers to all hosts.
func (c *reconsideration[M]) apply() (ok bool) {
	for at := (index.Cursor{}); !at.Done(); {
		if !c.applyToBucket(&at) {
			return false
		}
	}
	return true
}

func (c *reconsideration[M]) applyToBucket(at *index.Cursor) (ok bool) {
	s, now := c.r.lock()
	defer c.r.unlock()
	if s.round != c.number {
		return false
	}
	s.index.Advance(at, func(e index.Entry) {
		if t := c.answer(s.questionOf(e)); t != nil && *t != *e.Timeouts() {
			s.replaceTimeouts(e, t, now)
			s.recheck(e, now)
		}
	})
	return true
}

// relearn asks the policies about the arrival history of each host, a bucket at a time.
func (c *reconsideration[M]) relearn() {
	for at := (index.Cursor{}); !at.Done(); {
		hosts := c.outdate(&at)
		for i := range hosts {
			hosts[i].updateTimeouts(hosts[i].entry)
		}
		c.recheck(hosts)
	}
}

// A learnedHost is a host of which the policies are asked about the arrival history.
type learnedHost[M any] struct {
	contact[M]
	entry index.Entry
}

// outdate outdates the answers to the histories of the next bucket, and returns its hosts.
func (c *reconsideration[M]) outdate(at *index.Cursor) (hosts []learnedHost[M]) {
	s, _ := c.r.lock()
	defer c.r.unlock()
	s.index.Advance(at, func(e index.Entry) {
		e.Outdate()
		hosts = append(hosts, learnedHost[M]{contact[M]{r: c.r, hash: e.Hash(), id: strings.Clone(e.ID())}, e})
	})
	return hosts
}

func (c *reconsideration[M]) recheck(hosts []learnedHost[M]) {
	s, now := c.r.lock()
	defer c.r.unlock()
	for _, h := range hosts {
		if e, ok := s.index.Current(h.entry, h.id); ok {
			s.recheck(e, now)
		}
	}
}

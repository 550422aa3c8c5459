package member

import (
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// A matter is a host that there is, or may be, something to do about.
type matter struct {
	id     string
	key    hostKey
	queued bool     // to be decided
	local  bool     // it has changed in the registry
	newer  bool     // its content has, and was not compared with the table
	fresh  bool     // the content in the registry wins over the table once
	ends   []Ending // decided here, and not in the table
	settle bool     // the registry has evicted it: its ending will come
	sent   *group   // the write under way
	unsure bool     // a record with Expect 0 may be written still
	wait   int64    // not before, after a failure
	tries  int

	revision uint64       // of the record, as the present feed has shown; 0: it has not
	record   *record.Host // as the feed has shown last, while this matter is open
	held     bool         // a question about it waits for the answer of this member
	listed   bool         // it is in Core.asked
	blocked  bool         // it counts in Core.blocked
	asked    int64        // the Local.Now of this member's last question
	word     int64        // as of the decision to claim it
	doubted  int64        // the silence, as a Word, that was long enough to tell a suspicion
}

// An Ending is a departure that was decided by this registry.
type Ending struct {
	Registration uint64
	Incarnation  uint64
	Kind         uint8
	Evidence     []byte
	Settled      bool // by Settle: it needs a claim. Others happen at once, at any member
	Forgotten    bool // no cleanup is owed
	Content      record.Content

	again bool // the table has lost it, and has the registration as before
}

// ended reports whether a registration has ended here, and the table does not have that. m may be nil.
func (m *matter) ended(t tag) bool {
	return m != nil && slices.ContainsFunc(m.ends, func(x Ending) bool { return tagOf(x.Registration) == t })
}

func (m *matter) dropEnds(t tag) {
	m.ends = slices.DeleteFunc(m.ends, func(x Ending) bool { return tagOf(x.Registration) == t })
}

// forget forgets what has changed in the registry.
func (m *matter) forget() { m.local, m.newer, m.fresh = false, false, false }

// open returns the matter of a host.
func (c *Core) open(id string) *matter {
	m := c.matters[id]
	if m == nil {
		m = &matter{id: id, key: c.keyOf(id), record: c.aside[id]}
		c.matters[id] = m
	}
	return m
}

// enqueue has a matter decided about, unless it is closed: a place may still refer to it.
func (c *Core) enqueue(m *matter) {
	if !m.queued && c.matters[m.id] == m {
		m.queued = true
		c.todo = append(c.todo, m)
	}
}

// close ends a matter, unless it waits for something.
func (c *Core) close(m *matter) {
	if m.sent == nil && len(m.ends) == 0 && !m.settle && !m.queued && c.matters[m.id] == m {
		m.held = false
		delete(c.matters, m.id)
	}
}

// later looks at a matter again after some time.
func (c *Core) later(m *matter, wait int64) {
	m.wait = c.now + wait
	c.agenda.add(appointment{at: m.wait, key: m.id})
}

// holds reports whether the question at a revision still waits for an answer.
func (m *matter) holds(revision uint64) bool { return m.held && m.revision == revision }

// progress notes that the feed has shown something of a matter.
func (c *Core) progress(m *matter, version uint64) {
	if m.sent.has(version) {
		m.sent, m.tries = nil, 0
	}
	m.wait = 0
	c.enqueue(m)
}

// isBusy reports whether a matter waits for a write. An acknowledged write that the feed does not
// show is decided about again.
func (c *Core) isBusy(m *matter) bool {
	if m.sent.isLost(c.now) {
		m.sent = nil
	}
	return m.sent != nil || c.now < m.wait
}

// Pending reports how many hosts have local changes that are not in the table.
func (c *Core) Pending() (n int) {
	for _, m := range c.matters {
		if m.isPending() {
			n++
		}
	}
	return n + len(c.backlog)
}

func (m *matter) isPending() bool {
	return m.local || m.fresh || m.sent != nil || len(m.ends) > 0 || m.settle
}

// A Barrier is what was pending at a moment.
type Barrier struct{ matters []*matter }

// Barrier returns what is pending now.
func (c *Core) Barrier() *Barrier {
	b := &Barrier{}
	for _, m := range c.matters {
		if m.isPending() {
			b.matters = append(b.matters, m)
		}
	}
	return b
}

// Passed reports whether all that was pending is in the table.
func (c *Core) Passed(b *Barrier) bool {
	for n := len(b.matters); n > 0; n-- {
		if m := b.matters[n-1]; c.matters[m.id] == m && m.isPending() {
			return false
		}
		b.matters = b.matters[:n-1]
	}
	return true
}

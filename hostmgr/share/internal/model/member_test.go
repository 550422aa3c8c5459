package model

import "time"

const never = time.Duration(-1 << 60)

// A member is one process that shares its registry: the protocol. Nothing of it outlives a crash.
type member struct {
	*node
	id    int  // of its record; another one once that was removed
	ready bool // may acknowledge contacts: it has seen its record in the feed

	// The feed.
	synced   bool
	reading  bool
	epoch    int
	term     int
	age      int // of the table when it read the snapshot, in renewals
	revision int
	versions []uint64 // of the changes since the snapshot: the last one is that of revision
	answered time.Duration

	// The mirror of the table.
	hosts   []record
	peers   []*peer
	gones   []*gone
	ownSeen time.Duration // when its own record was last seen to change
	lease   time.Duration // when the latest renewal that it has seen in the feed was sent

	// The registry.
	local   []local
	ends    map[int]*end
	endings []*end // in order
	owed    []*end // departures that the table does not show yet
	fences  []int  // per host, the greatest incarnation that has ended
	swept   time.Duration
	stalled time.Duration
	removal time.Duration // when a member was last removed, in observed time

	wake     func()        // sweeps
	quiet    time.Duration // asks nothing until then
	renewed  time.Duration
	renewing bool
	busy     []bool // a write about a host is under way
}

func newMember(n *node) *member {
	m := &member{
		node: n, swept: n.now, answered: n.now, removal: never,
		hosts: make([]record, n.settings.clients), local: make([]local, n.settings.clients), busy: make([]bool, n.settings.clients),
		fences: make([]int, n.settings.clients), ends: map[int]*end{},
	}
	for h := range m.local {
		m.local[h].contact, m.local[h].vouched = never, never
	}
	sweep := func() {
		m.sweep()
		m.ticks()
	}
	m.wake = func() { m.do(sweep) }
	m.rename()
	return m
}

// rename makes it another member. What the old one waited for is void.
func (m *member) rename() {
	m.ready = false
	if !m.oldName || m.id == 0 {
		m.oracle.members++
		m.id = m.oracle.members
	}
}

// ticks sweeps, and does all that depends on time.
func (m *member) ticks() {
	m.after(m.tick, m.wake)
}

func (m *member) sweep() {
	m.observe()
	m.read()
	if m.synced && m.now-m.ownSeen > 3*m.renewal() && m.now-m.answered < m.renewal() {
		m.synced = false // its renewals do not come back: it reads another table than it writes to
		m.read()
	}
	if !m.synced {
		return
	}
	m.renew()
	if !m.ready {
		return
	}
	m.buryAll()
	for h := range m.hosts {
		m.review(h)
	}
	m.owe()
	for _, g := range m.gones {
		m.cleanUp(g)
	}
}

package model

import "time"

// A node is a place where a process runs: one member after another.
type node struct {
	*world
	*settings
	*defects
	oracle *oracle
	reach  func(kind connection) *table
	asks   func() // called when a member is about to ask a question
	claims func() // called when a member is about to settle a claim
	name   int

	member *member // nil: there is none
	frozen time.Duration
	cut    bool // from the table

	// For the oracle.
	frozenFor time.Duration // in total, but for pauses too short to be a stall
	disturbed time.Duration // until when it was last dead, frozen or cut off
}

// A connection reaches a table: that for writes may reach another one than that for reads.
type connection bool

const (
	forReads  connection = false
	forWrites connection = true
)

func (n *node) up() bool { return n.member != nil && n.now >= n.frozen }

func (n *node) start() {
	n.member = newMember(n)
	n.member.ticks()
}

// crash ends the process. Another one starts after a time.
func (n *node) crash(d time.Duration) {
	if n.member == nil {
		return
	}
	if n.up() && n.chance(0.3) {
		n.member.goodbye()
	}
	n.oracle.say("crash of %d for %v", n.member.id, d)
	n.oracle.findVanished(n.member)
	n.member, n.frozen = nil, 0
	n.disturbed = max(n.disturbed, n.now+d)
	n.after(d, n.start)
}

// freeze stops the process for a time.
func (n *node) freeze(d time.Duration) {
	if !n.up() {
		return
	}
	n.oracle.say("freeze of %d for %v", n.member.id, d)
	n.frozen = n.now + d
	n.disturbed = max(n.disturbed, n.frozen)
	if d > n.stall()+n.tick {
		n.frozenFor += d
	}
}

// separate cuts the process off from the table for a time.
func (n *node) separate(d time.Duration) {
	if n.cut {
		return
	}
	n.oracle.say("cut of %d for %v", n.name, d)
	n.cut = true
	n.disturbed = max(n.disturbed, n.now+d)
	n.after(d, func() { n.cut = false })
}

// do runs f in the process of a member: later if it is frozen, never if it has ended.
func (m *member) do(f func()) {
	switch {
	case m.node.member != m:
	case m.now < m.frozen:
		m.at(m.frozen+m.between(0, 20*time.Millisecond), func() { m.do(f) })
	default:
		f()
	}
}

// travel is the time that a message takes.
func (n *node) travel() time.Duration {
	if n.slow > 0 && n.chance(n.slow) {
		return n.between(n.latency, n.latency+n.slowest)
	}
	return n.between(200*time.Microsecond, n.latency)
}

// A call is a request to the table, and its answer.
type call struct {
	*member
	to      connection
	request func(t *table, reply func(any))
	answer  func(v any, ok bool)
	done    bool
}

// send sends a request to the table, which may reply at any time. The answer is false if there was
// no reply within the limit. Then the request may have been executed, or may be later.
func (m *member) send(to connection, limit time.Duration, request func(t *table, reply func(any)), answer func(v any, ok bool)) {
	c := &call{m, to, request, answer, false}
	m.after(limit, c.expire)
	if !m.cut {
		m.after(m.travel(), c.arrive)
	}
}

func (c *call) expire() { c.do(c.fail) }

func (c *call) fail() { c.finish(nil, false) }

func (c *call) finish(v any, ok bool) {
	if !c.done {
		c.done = true
		c.answer(v, ok)
	}
}

func (c *call) arrive() {
	if t := c.reach(c.to); !c.cut && !t.down {
		c.request(t, c.reply)
	}
}

func (c *call) reply(v any) {
	c.after(c.travel(), func() {
		if !c.cut {
			c.do(func() { c.finish(v, true) })
		}
	})
}

// put writes a batch. The answer says only whether the table has written it for certain.
func (m *member) put(answer func(written bool), batch ...write) {
	m.send(forWrites, m.request(), func(t *table, reply func(any)) { reply(t.write(batch)) }, func(v any, ok bool) {
		if ok {
			m.touched()
		}
		answer(ok && v.(bool))
	})
}

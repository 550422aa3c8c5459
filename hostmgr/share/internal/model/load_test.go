package model

import "time"

// A client is a host as it is: where it sends its heartbeats, and when it falls silent, leaves, or
// starts again.
type client struct {
	*run
	id          int
	style       int // 0: to one member, 1: to all, 2: to any
	home        int
	assigned    bool // it announces no incarnation
	incarnation int
	until       time.Duration // it lives
}

func (r *run) newClient(id int) *client {
	c := &client{run: r, id: id, style: id % 3, home: r.rand.IntN(len(r.nodes)), assigned: r.chance(0.3)}
	c.begin()
	return c
}

// begin starts a process of the host.
func (c *client) begin() {
	if !c.assigned {
		c.incarnation++
	}
	c.until = min(c.now+c.times(c.interval, 2, 20), c.calm()+c.timeout)
	c.after(c.between(0, c.interval), c.live)
}

// live makes a contact, and then the next one.
func (c *client) live() {
	if c.now > c.until {
		c.end()
		return
	}
	next := c.times(c.interval, 0.9, 1)
	if !c.contact() {
		next = min(next, time.Second)
	} else if c.chance(0.05) {
		next += c.times(c.timeout, 0, 1.5) // it hangs
	}
	c.after(next, c.live)
}

func (c *client) contact() (ok bool) {
	switch c.style {
	case 0:
		if ok = c.try(c.home); !ok {
			c.home = c.rand.IntN(len(c.nodes))
		}
	case 1:
		for i := range c.nodes {
			ok = c.try(i) || ok
		}
	default:
		ok = c.try(c.rand.IntN(len(c.nodes)))
	}
	return ok
}

func (c *client) try(i int) bool {
	n := c.nodes[i]
	return n.up() && n.member.heartbeat(c.id, c.incarnation)
}

// end ends the process: it crashes or leaves. Then it may start again.
func (c *client) end() {
	switch was := c.incarnation; c.rand.IntN(4) {
	case 0:
		for _, i := range c.rand.Perm(len(c.nodes)) {
			if n := c.nodes[i]; n.up() && n.member.leave(c.id, was) {
				break
			}
		}
	case 1:
		c.after(c.between(0, 2*time.Second), func() { c.late(was) })
	}
	if c.now < c.calm() {
		c.after(c.times(c.timeout, 0, 2), c.begin)
	}
}

// late delivers a message of a process that has ended.
func (c *client) late(incarnation int) {
	if n := c.nodes[c.rand.IntN(len(c.nodes))]; n.up() {
		n.member.heartbeat(c.id, incarnation)
	}
}

package member

import (
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

const (
	maxFlying = 8 // batches about hosts under way
	echoLimit = 5 * second
)

// A Result is what became of a batch.
type Result uint8

// The results. Unclear means that it may have been written, or will be.
const (
	Written Result = iota + 1
	Conflict
	Unclear
)

// A Batch is written at once, or not at all.
type Batch struct {
	Writes  []Write
	groups  []*group
	renewal string // the id of the member whose record it is
}

// A group is the writes about one host. They belong together.
type group struct {
	writes []Write
	matter *matter // or
	debt   *debt

	registers uint64     // the number of a host that the table does not have under it; 0: none
	trials    []departed // that the latest batch with this group has begun or continued
	acked     bool       // written, as the Store says
	echoBy    int64      // and then the feed must show it
}

// has reports whether a version is one of the group.
func (g *group) has(version uint64) bool {
	return g != nil && slices.ContainsFunc(g.writes, func(w Write) bool { return w.Version == version })
}

// id returns the id of the host.
func (g *group) id() string {
	if g.debt != nil {
		return g.debt.host
	}
	return g.matter.id
}

// isLost reports whether the feed has not shown the group, although it was written.
func (g *group) isLost(now int64) bool { return g != nil && g.acked && now >= g.echoBy }

// creates reports whether the group creates a record of a host.
func (g *group) creates() bool {
	return slices.ContainsFunc(g.writes, func(w Write) bool {
		return w.Expect == 0 && record.ParseKey(w.Key).Kind == record.KindHost
	})
}

// An outbox has what is to be written. Renewals and burials go first, and wait for nothing.
type outbox struct {
	urgent []*Batch
	again  []*Batch // parts of batches that have failed
	groups []*group
	flying int
}

func (c *Core) send(g *group) {
	if g.matter != nil {
		g.matter.sent = g
	} else {
		g.debt.sent = g
	}
	c.outbox.groups = append(c.outbox.groups, g)
}

// dropGroups drops what waits to be written: it was decided in another view of the table.
func (c *Core) dropGroups() {
	drop := c.outbox.groups
	for _, b := range c.outbox.again {
		drop = append(drop, b.groups...)
	}
	for _, g := range drop {
		if g.debt != nil {
			g.debt.sent = nil
		} else {
			g.matter.sent = nil
		}
	}
	c.outbox.groups, c.outbox.again = nil, nil
}

// Next returns the next batch to be written, or nil. Several may be under way at a time.
func (c *Core) Next() *Batch {
	o := &c.outbox
	if len(o.urgent) > 0 {
		b := o.urgent[0]
		o.urgent = o.urgent[1:]
		return b
	}
	if o.flying >= maxFlying {
		return nil
	}
	var b *Batch
	if len(o.again) > 0 {
		b = o.again[0]
		o.again = o.again[1:]
	} else if b = c.fill(); b == nil {
		return nil
	}
	for _, g := range b.groups {
		c.try(g)
	}
	o.flying++
	c.counts.Batches++
	c.counts.Writes += uint64(len(b.Writes))
	return b
}

// fill makes a batch of the groups that wait. A batch has one write of a record: a matter and a
// debt may both have one of a departure.
func (c *Core) fill() *Batch {
	o, n, writes, size, keys := &c.outbox, 0, 0, 0, map[string]bool{}
	for _, g := range o.groups {
		writes += len(g.writes)
		again := false
		for _, w := range g.writes {
			size += len(w.Key) + len(w.Value)
			again = again || keys[w.Key]
			keys[w.Key] = true
		}
		if n > 0 && (again || writes > c.MaxWrites || size > c.MaxBytes) {
			break
		}
		n++
	}
	if n == 0 {
		return nil
	}
	b := batchOf(slices.Clone(o.groups[:n]))
	o.groups = o.groups[n:]
	return b
}

func batchOf(groups []*group) *Batch {
	b := &Batch{groups: groups}
	for _, g := range groups {
		b.Writes = append(b.Writes, g.writes...)
	}
	return b
}

// Done takes the result of a batch. One that has failed for a version is tried again in parts, so
// that one conflict does not hold up the other hosts. All parts are under way at the same time. So a
// record of a batch of 64 that has changed is found in two more round trips; halves would take six.
func (c *Core) Done(b *Batch, r Result, now int64) {
	c.now = max(c.now, now)
	if b.groups == nil {
		c.renewed(b, r)
		return
	}
	c.outbox.flying--
	for _, g := range b.groups {
		if r == Conflict {
			c.notExecuted(g)
		}
	}
	if n := len(b.groups); r == Conflict && n > 1 {
		for part := range slices.Chunk(b.groups, (n+maxFlying-1)/maxFlying) {
			c.outbox.again = append(c.outbox.again, batchOf(part))
		}
		return
	}
	for _, g := range b.groups {
		c.result(g, r)
	}
}

// result takes the result of a group. If it was written, the feed will show it, or has.
func (c *Core) result(g *group, r Result) {
	if r == Conflict {
		c.counts.Conflicts++
	}
	if r == Unclear {
		c.counts.Unclear++
	}
	if g.debt != nil {
		c.debts.result(c, g, r)
		return
	}
	m := g.matter
	if m.sent != g {
		return // the feed has shown it
	}
	if r == Written {
		g.acked, g.echoBy = true, c.now+echoLimit
		c.agenda.add(appointment{at: g.echoBy, key: m.id})
		return
	}
	m.sent = nil
	m.unsure = m.unsure || r == Unclear && g.creates()
	c.later(m, backoff(m, r))
}

// backoff is how long a matter waits after a failure. After a conflict the feed will show what is
// there, and end the wait.
func backoff(m *matter, r Result) int64 {
	m.tries = min(m.tries+1, 6)
	if r == Conflict {
		return 10 * millisecond << m.tries
	}
	return 100 * millisecond << min(m.tries, 4)
}

package member

import (
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// Kinds of departures, as in package hostmgr.
const (
	kindLeft     = 1
	kindEvicted  = 2
	kindReplaced = 3
)

// Departed takes a departure that the registry has decided.
func (c *Core) Departed(id string, x Ending) {
	m := c.open(id)
	if t, ok := c.superseded[m.key]; ok && t == tagOf(x.Registration) { // others have replaced it
		delete(c.superseded, m.key)
	} else if !m.hasEnded(x.Registration) {
		m.ends = append(m.ends, x)
	}
	m.settle = m.settle && !x.Settled
	c.enqueue(m)
}

func (m *matter) hasEnded(registration uint64) bool {
	for i := range m.ends {
		if m.ends[i].Registration == registration {
			return true
		}
	}
	return false
}

// over drops an ending that needs no write any more.
func (c *Core) over(m *matter, registration uint64) {
	for i := range m.ends {
		if m.ends[i].Registration == registration {
			m.ends = append(m.ends[:i], m.ends[i+1:]...)
			break
		}
	}
	c.enqueue(m)
}

// end writes the first departure of a host that is not in the table.
func (c *Core) end(m *matter, e entry, listed bool) {
	x := &m.ends[0]
	_, known := c.ended.get(m.key, x.Registration)
	current := listed && e.tag == tagOf(x.Registration)
	if known && current {
		c.trial(departed{m.key, x.Registration}, m.id).repeated = true
	}
	switch {
	case known && !current && !x.again: // another member was quicker
		c.over(m, x.Registration)
	case current && x.Settled && !c.claims(e): // another member took it: it lives
		c.revive(m, e, x)
	case current:
		c.endCurrent(m, e, x)
	case x.again:
		c.over(m, x.Registration)
	case m.unsure && !listed: // its record may be written yet: first make sure that it is
		h := record.Host{Registration: x.Registration, Content: x.Content, Keeper: c.self.id}
		c.sendHost(m, 0, &h)
	case x.Forgotten:
		c.over(m, x.Registration)
	default:
		c.endUnlisted(m, e, listed, x)
	}
}

// revive ends a registration here that lives on at another member, which took it because it did not
// see the claim. The eviction here cannot be undone, and a registration ends once. So the host goes
// on under another number. Its record goes before the departure, so the other members keep what
// they know of it, and see no departure.
func (c *Core) revive(m *matter, e entry, x *Ending) {
	h := record.Host{Content: x.Content, Keeper: c.keepers.name(c, e.keeper), Suspect: e.is(suspect), Asked: e.is(asked)}
	if m.record != nil {
		h = *m.record
	}
	h.Registration, h.Claimed = c.renumber(x.Registration), false
	c.counts.Revived++
	c.sendHost(m, e.version.number(), &h, c.goneWrite(m.id, c.goneOf(m, x)))
}

// renumber returns a later number that no registry has given to the host. Registries number by the
// nanosecond at which they were made.
func (c *Core) renumber(registration uint64) uint64 {
	const apart = 1 << 32
	return registration + apart + c.Random()%apart
}

// outlived is called when the feed shows a departure. If the table has the registration even after
// the batch, as after a restart of an empty table, the record is to be deleted.
func (c *Core) outlived(k record.Key, g *record.Gone) {
	if e, ok := c.hosts.of[c.keyOf(k.ID)]; !ok || e.is(opaque) || e.tag != tagOf(k.Registration) {
		return
	}
	m := c.open(k.ID)
	m.ends = append(m.ends, Ending{
		Registration: k.Registration, Incarnation: g.Host.Incarnation, Kind: g.Kind, Content: g.Host.Content, again: true,
	})
	c.enqueue(m)
}

// claims reports whether a claim of this member is in force, if need be under a former id.
func (c *Core) claims(e entry) bool {
	return e.is(claimed) && (e.keeper == 0 || c.keepers.slots[e.keeper].own)
}

// endCurrent ends the registration of the table. If the host has joined again here, that is the
// next one. The departure goes first, so that the other members see why the record changes. If the
// next process replaces this one, its record goes first: then no member is without the host in
// between.
func (c *Core) endCurrent(m *matter, e entry, x *Ending) {
	w := Write{Key: record.HostKey(m.id), Expect: e.version.number(), Version: c.version(), Delete: true}
	g := &group{matter: m}
	first := false
	if registration, content, ok := c.registry.Content(m.id); ok && registration != x.Registration {
		h := record.Host{Registration: registration, Content: content, Keeper: c.self.id}
		w.Value, w.Delete, first = h.Encode(), false, content.Incarnation > x.Incarnation
		g.registers = registration
	}
	g.writes = []Write{w}
	if !c.debts.has(record.GoneKey(m.id, x.Registration)) { // it may be there if a delayed write came after it
		g.writes = append(g.writes, c.goneWrite(m.id, c.goneOf(m, x)))
	}
	if !first {
		slices.Reverse(g.writes)
	}
	c.send(g)
}

// endUnlisted writes the departure of a registration that the table has never had, as far as this
// member knows: see trial. If the host has left, it has also left the registration of the table,
// unless that is of a newer process.
func (c *Core) endUnlisted(m *matter, e entry, listed bool, x *Ending) {
	l, here := c.registry.Look(m.id)
	if listed && here && x.Kind == kindLeft && !l.Assigned && l.Incarnation <= x.Incarnation && tagOf(l.Registration) == e.tag {
		if registration, content, ok := c.registry.Content(m.id); ok && !m.hasEnded(registration) {
			also := *x
			also.Registration, also.Incarnation, also.Content = registration, l.Incarnation, content
			m.ends = append(m.ends, also)
			x = &m.ends[0]
		}
	}
	c.send(&group{writes: []Write{c.goneWrite(m.id, c.goneOf(m, x))}, matter: m})
}

// goneOf returns the record of a departure. If it is written again, the cleanup may be done.
func (c *Core) goneOf(m *matter, x *Ending) *record.Gone {
	how, _ := c.ended.get(m.key, x.Registration)
	return &record.Gone{
		Kind: x.Kind, Evidence: x.Evidence, Cleaner: c.self.id, Done: how.done,
		Host: record.Host{Registration: x.Registration, Content: x.Content, Keeper: c.self.id},
	}
}

func (c *Core) goneWrite(id string, g *record.Gone) Write {
	return Write{Key: record.GoneKey(id, g.Host.Registration), Version: c.version(), Value: g.Encode()}
}

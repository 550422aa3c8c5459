package member

import (
	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// seeHost takes the news of the record of a host.
func (c *Core) seeHost(id string, ch *feed.Change) {
	k := c.keyOf(id)
	m := c.matters[id]
	own := m != nil && m.sent.has(ch.Version)
	delete(c.dueSince, k)
	if m != nil {
		m.revision, m.record, m.held, m.unsure = ch.Revision, nil, false, false
		m.fresh = m.fresh && !own
		c.progress(m, ch.Version)
	}
	was, known := c.hosts.of[k]
	if ch.Deleted {
		if known && c.isOutdated(was) { // the record that was deleted may be a later one
			c.supersededBy(id, m, was)
		}
		c.unset(k)
		delete(c.aside, id)
		return
	}
	h, err := record.DecodeHost(ch.Value)
	if err != nil {
		c.malformed(ch.Key, err)
		c.set(k, entry{version: pack(ch.Version), keeper: Crowd}.with(opaque, true))
		return
	}
	e := c.entryOf(&h, ch.Version)
	if known && was.tag != e.tag && c.isOutdated(was) {
		c.supersededBy(id, m, was)
	}
	c.registered(departed{k, h.Registration})
	if m == nil && c.matterOf(e) {
		m = c.open(id)
		m.revision = ch.Revision
		c.enqueue(m)
	}
	if m != nil {
		m.record = &h
	}
	e = e.with(mirrored, c.mirror(id, m, was, known, own, e, &h))
	c.set(k, e)
	c.follow(id, k, known, was, e)
	c.question(id, m, e, ch.Revision)
}

// isOutdated reports whether an entry is of an earlier feed, so that the table may have had other
// records of the host meanwhile.
func (c *Core) isOutdated(e entry) bool {
	return !c.synced && !c.reader.WentBack() && c.hosts.isStale(e)
}

// supersededBy ends a registration that others have ended while this member did not read: the table
// has another one. They have written its departure.
func (c *Core) supersededBy(id string, m *matter, was entry) {
	c.superseded[c.keyOf(id)] = was.tag
	if m != nil {
		m.dropEnds(was.tag)
	}
	if l, ok := c.registry.Look(id); ok && was.is(mirrored) && tagOf(l.Registration) == was.tag {
		c.registry.Depart(id, l.Registration, nil)
		c.ended.add(departed{c.keyOf(id), l.Registration}, end{kind: kindEvicted}) // its departure may follow
		c.overtaken = append(c.overtaken, overtaken{id, l.Registration})
	}
}

// An overtaken is a registration that has ended at others, and has another one in its place.
type overtaken struct {
	id           string
	registration uint64
}

// concludeOvertaken takes the end of a snapshot. A registration whose departure it does not have
// has been cleaned up.
func (c *Core) concludeOvertaken(back bool) {
	for _, x := range c.overtaken {
		if !back && !c.debts.has(record.GoneKey(x.id, x.registration)) {
			c.ended.cleaned(departed{c.keyOf(x.id), x.registration})
		}
	}
	c.overtaken = nil
}

// matterOf reports whether a record needs a matter, whatever the registry says.
func (c *Core) matterOf(e entry) bool { return e.keeper == 0 && (e.is(asked) || e.is(claimed)) }

// mirror makes the registry have what the record says. It reports whether it does.
func (c *Core) mirror(id string, m *matter, was entry, known, own bool, e entry, h *record.Host) bool {
	r := Reflection{Keeper: e.keeper, Assigned: h.Assigned, Suspect: h.Suspect}
	same := known && was.is(mirrored) && was.tag == e.tag && (own || was.digest == e.digest)
	delete(c.aside, id)
	switch {
	case m != nil && (m.settle || m.hasEnded(h.Registration)): // its ending will be written
		return false
	case c.resurrects(id, h):
		return false
	case same && was.version == e.version && was.keeper == e.keeper:
		return true
	case (same || own) && c.registry.Assign(id, h.Registration, r):
		return true
	}
	return c.reflect(id, m, h, r)
}

// reflect makes the registry take over a record.
func (c *Core) reflect(id string, m *matter, h *record.Host, r Reflection) bool {
	switch c.registry.Reflect(id, h, r, m != nil && (m.fresh || m.newer)) {
	case Reflected:
		return true
	case Refused:
		c.counts.Skipped++
	case NewerHere:
		m = c.open(id)
		m.record = h
		c.enqueue(m)
	}
	c.aside[id] = h
	return false
}

// resurrects reports whether a record is of a registration whose end the feed has shown: the table
// has lost it. The end is written again.
func (c *Core) resurrects(id string, h *record.Host) bool {
	k := c.keyOf(id)
	how, ok := c.ended.get(k, h.Registration)
	if !ok {
		return false
	}
	m := c.open(id)
	m.record = h
	c.over(m, h.Registration)
	m.ends = append(m.ends, Ending{
		Registration: h.Registration, Incarnation: h.Incarnation, Kind: how.kind, Content: h.Content, again: true,
	})
	return true
}

// question takes note of a question. The read mark of this member stays before it if it hears the
// host, or has a departure of it to write: that wins.
func (c *Core) question(id string, m *matter, e entry, revision uint64) {
	switch {
	case !e.is(asked) || e.is(claimed):
		return
	case e.keeper == 0:
		m.listed = true
		c.asked = append(c.asked, place{revision, m})
		return
	}
	l, ok := c.registry.Look(id)
	if heard := ok && l.Heard && tagOf(l.Registration) == e.tag; heard || m.ended(e.tag) {
		m = c.open(id)
		m.held, m.revision = true, revision
		c.holds = append(c.holds, place{revision, m})
		c.enqueue(m)
	}
	c.self.questions = append(c.self.questions, revision)
}

// decide does what there is to do about a host.
func (c *Core) decide(m *matter) {
	m.queued = false
	if m.blocked {
		m.blocked = false
		c.blocked--
	}
	if c.isBusy(m) {
		return
	}
	e, listed := c.hosts.of[m.key]
	if listed && e.is(opaque) {
		m.forget()
		m.ends, m.settle = nil, false
		c.close(m)
		return
	}
	if len(m.ends) > 0 {
		c.end(m, e, listed)
		return
	}
	l, here := c.registry.Look(m.id)
	m.held = m.held && here
	switch {
	case m.settle: // its ending will come
	case !here && !listed:
		m.forget()
		c.close(m)
	case !listed:
		c.create(m)
	case !here, tagOf(l.Registration) != e.tag:
		c.differ(m, e)
	default:
		c.compare(m, e)
		c.judge(m, e, l)
	}
}

// create writes the record of a host that the table does not have.
func (c *Core) create(m *matter) {
	registration, content, ok := c.registry.Content(m.id)
	if !ok {
		c.enqueue(m)
		return
	}
	m.forget()
	m.fresh = true
	h := record.Host{Registration: registration, Content: content, Keeper: c.self.id}
	c.sendHost(m, 0, &h)
}

func (c *Core) sendHost(m *matter, expect uint64, h *record.Host, more ...Write) {
	w := Write{Key: record.HostKey(m.id), Expect: expect, Version: c.version(), Value: h.Encode()}
	g := &group{writes: append([]Write{w}, more...), matter: m}
	if e, ok := c.hosts.of[m.key]; !ok || e.tag != tagOf(h.Registration) {
		g.registers = h.Registration
	}
	c.send(g)
}

// differ is called when the registry does not have the registration of the record.
func (c *Core) differ(m *matter, e entry) {
	h := m.record
	if h == nil {
		m.forget()
		c.close(m)
		return
	}
	r := Reflection{Keeper: e.keeper, Assigned: h.Assigned, Suspect: h.Suspect}
	switch c.registry.Reflect(m.id, h, r, m.fresh || m.newer) {
	case Reflected:
		delete(c.aside, m.id)
		c.hosts.of[m.key] = e.with(mirrored, true)
		c.enqueue(m)
	case NewerHere:
		c.supersede(m, e, h)
	default:
		m.forget()
		c.stray(m, e, h)
	}
}

// supersede writes the registration here, whose incarnation is greater than that of the table.
func (c *Core) supersede(m *matter, e entry, old *record.Host) {
	registration, content, ok := c.registry.Content(m.id)
	if !ok || registration == old.Registration {
		c.enqueue(m)
		return
	}
	m.forget()
	h := record.Host{Registration: registration, Content: content, Keeper: c.self.id}
	g := record.Gone{Kind: kindReplaced, Cleaner: c.self.id, Host: *old}
	c.sendHost(m, e.version.number(), &h, c.goneWrite(m.id, &g))
}

// compare finds out whether content that is newer here differs from that of the table.
func (c *Core) compare(m *matter, e entry) {
	newer := m.newer
	if m.local, m.newer = false, false; !newer {
		return
	}
	registration, content, ok := c.registry.Content(m.id)
	m.fresh = m.fresh || ok && tagOf(registration) == e.tag && c.digest(&content) != e.digest
}

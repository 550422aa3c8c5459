package member

import "github.com/hostlife/hostlife/hostmgr/share/internal/record"

// judge decides about a host whose registration is that of the table. The order of the cases is
// their precedence.
func (c *Core) judge(m *matter, e entry, l Local) {
	mine, live := e.keeper == 0, c.keepers.live(e.keeper)
	m.held = m.held && l.Heard && e.is(asked) && !mine
	switch {
	case e.is(claimed) && mine:
		c.settle(m, l)
	case e.is(claimed) && live: // its keeper decides at this moment
		if !m.fresh && !l.Heard {
			c.close(m)
		}
	case m.fresh:
		c.describe(m, e, l)
	case l.Heard && (c.wanted(e, mine, live) || !mine && c.relieves(m.key, l)):
		c.rewrite(m, e, func(h *record.Host) { h.Keeper = c.self.id })
	case mine && l.Due && e.is(asked):
		c.claim(m, e, l)
	case mine && l.Due:
		if !c.mayAsk(m) || c.mayHaveRoamed(m, l) {
			c.close(m) // the registry reports it again: there may be many
			return
		}
		if c.isEarly(m, l) {
			return
		}
		c.counts.Asked++
		c.ask(m, e, l)
	case mine && !e.is(asked) && c.isDoubt(m, e, l):
		c.close(m)
	case mine && (e.is(asked) || e.is(suspect) != l.Suspect): // a stall, or a longer timeout
		c.rewrite(m, e, func(h *record.Host) { h.Keeper, h.Suspect = c.self.id, l.Suspect })
	case !live && l.Due:
		c.inherit(m, e, l)
	default:
		c.close(m)
	}
}

// wanted reports whether a host that is heard here needs this member as its keeper, or needs it to
// withdraw a question.
func (c *Core) wanted(e entry, mine, live bool) bool {
	return e.is(asked) || !live || !mine && e.is(suspect)
}

// mayAsk reports whether this is no time of quiet. Otherwise the matter comes back after it.
func (c *Core) mayAsk(m *matter) bool {
	if c.now >= c.quiet {
		return true
	}
	c.agenda.add(appointment{at: c.quiet, key: m.id})
	return false
}

// mayHaveRoamed reports whether a member that is gone may have heard a host last. So each host has
// its timeout once more from the end of a member on, but not for ever: a member may crash in a
// loop. In a time of quiet this member could not ask. So of the silence before the end of the last
// one, a timeout counts at most.
func (c *Core) mayHaveRoamed(m *matter, l Local) bool {
	silence := min(l.Silence, c.now-c.quiet+l.Timeout)
	wait := min(c.removed+l.Timeout-c.now, 2*l.Timeout+c.Lapse-silence)
	if c.removed == 0 || wait <= 0 {
		return false
	}
	c.agenda.add(appointment{at: c.now + min(wait, second), key: m.id})
	return true
}

// describe writes the content here. If the host is heard here, this member becomes its keeper, and
// that answers questions.
func (c *Core) describe(m *matter, e entry, l Local) {
	registration, content, ok := c.registry.Content(m.id)
	if !ok || tagOf(registration) != e.tag {
		c.enqueue(m)
		return
	}
	if m.fresh = c.digest(&content) != e.digest; !m.fresh {
		c.enqueue(m)
		return
	}
	h := record.Host{Registration: registration, Content: content, Keeper: c.self.id}
	if !l.Heard {
		h.Keeper, h.Suspect, h.Asked = c.keepers.name(c, e.keeper), e.is(suspect), e.is(asked)
	}
	c.sendHost(m, e.version.number(), &h)
}

// rewrite writes the record without question, claim and suspicion, as change changes it.
func (c *Core) rewrite(m *matter, e entry, change func(*record.Host)) {
	var h record.Host
	if m.record != nil {
		h = *m.record
	} else {
		registration, content, ok := c.registry.Content(m.id)
		if !ok || tagOf(registration) != e.tag {
			c.enqueue(m)
			return
		}
		h = record.Host{Registration: registration, Content: content}
	}
	h.Suspect, h.Asked, h.Claimed = false, false, false
	change(&h)
	c.sendHost(m, e.version.number(), &h)
}

// ask writes a question.
func (c *Core) ask(m *matter, e entry, l Local) {
	m.asked = l.Now
	c.rewrite(m, e, func(h *record.Host) { h.Keeper, h.Asked, h.Suspect = c.self.id, true, l.Suspect })
}

// claim sets the claim when all live members have read the question.
func (c *Core) claim(m *matter, e entry, l Local) {
	switch {
	case !c.isRead(m):
	case !c.mayAsk(m), c.mayHaveRoamed(m, l):
		m.blocked = true
		c.blocked++
	default:
		m.word = l.Word
		c.rewrite(m, e, func(h *record.Host) {
			h.Keeper, h.Asked, h.Claimed, h.Suspect = c.self.id, true, true, l.Suspect
		})
	}
}

// isRead reports whether all other members have read a question. Otherwise advance comes back to
// it.
func (c *Core) isRead(m *matter) bool {
	if c.floor() >= m.revision {
		return true
	}
	if !m.listed {
		m.listed = true
		c.asked = append(c.asked, place{m.revision, m})
	}
	return false
}

// settle lets the registry evict a host that is claimed. It must do so while no other member can
// bury this one: then others could take the host. If the host is saved, the question is withdrawn,
// and asked again while the host is due. The same happens if this matter does not know when the
// question was asked.
func (c *Core) settle(m *matter, l Local) {
	switch c.registry.Settle(m.id, l.Registration, m.word, m.asked, c.lease()) {
	case Evicted:
		m.settle = true
		c.counts.Settled++
	case TooLate:
		c.later(m, 200*millisecond)
	default:
		e := c.hosts.of[m.key]
		c.rewrite(m, e, func(h *record.Host) { h.Keeper, h.Suspect = c.self.id, l.Suspect })
	}
}

// inherit takes a host whose keeper is dead, and asks about it. The registry reports a host that
// stays due about once a second, so nothing else need remember to look at it.
func (c *Core) inherit(m *matter, e entry, l Local) {
	since, ok := c.dueSince[m.key]
	if !ok {
		since = c.now
		c.dueSince[m.key] = since
	}
	if c.now < max(c.quiet, since+c.rank(record.HostKey(m.id))*c.Lapse) || c.mayHaveRoamed(m, l) {
		c.close(m)
		return
	}
	c.counts.Inherited++
	c.ask(m, e, l)
}

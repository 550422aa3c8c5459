package model

import "time"

// review does what there is to do about a host: from its record, its registration here, and which
// members are alive. It compares states, so it may be called at any time.
func (m *member) review(h int) {
	if !m.synced || !m.ready || m.busy[h] {
		return
	}
	v, ok := m.hosts[h].value.(hostRecord)
	if !ok {
		m.absent(h)
		return
	}
	l := &m.local[h]
	switch e := m.ends[v.registration]; {
	case e != nil && !m.noMemory:
		m.endAgain(h, v, e)
	case e != nil && l.registration == 0:
		m.reflect(h, v)
	case v.registration != l.registration:
		m.supersede(h, v)
	case v.keeper == m.id:
		m.keep(h, v)
	default:
		m.mirror(h, v)
	}
}

// absent creates the record of a host.
func (m *member) absent(h int) {
	l := &m.local[h]
	switch {
	case l.registration == 0:
	case m.heard(h), !l.forgotten, l.kept, m.now-l.forgottenAt > m.wait(h):
		m.create(write{key{'h', h}, 0, m.own(h)})
	}
}

// wait is how long others may create the record of a host that the table has forgotten: its heir
// comes first, and then all that know it.
func (m *member) wait(h int) time.Duration {
	if m.heir(h) {
		return m.lapse
	}
	return 2 * m.lapse
}

// own is the record of a host that this member keeps.
func (m *member) own(h int) hostRecord {
	return hostRecord{registration: m.local[h].registration, incarnation: m.local[h].incarnation, keeper: m.id}
}

// supersede replaces the registration in the table by a newer one.
func (m *member) supersede(h int, v hostRecord) {
	m.set(h, m.own(h), write{key{'g', v.registration}, 0, goneRecord{
		registration: v.registration, host: h, incarnation: v.incarnation, kind: replaced, cleaner: m.id,
	}})
}

// keep judges a host that this member keeps.
func (m *member) keep(h int, v hostRecord) {
	next := m.own(h)
	if m.heard(h) {
		m.local[h].vouched = never // it has asked: its keeper before had heard less
	}
	switch due := m.due(h); {
	case v.claimed:
		m.settleSoon(h)
	case v.asked && !due:
		m.set(h, next)
	case due && m.now < m.quiet:
	case due && !v.asked:
		m.asks()
		next.suspect, next.asked = v.suspect, true
		m.set(h, next)
	case due && m.allRead(m.hosts[h].revision) && (m.holdsLease() || m.noLease):
		next.suspect, next.asked, next.askedAt, next.claimed = v.suspect, true, v.askedAt, true
		m.set(h, next)
	case due:
	case m.suspicious(h) != v.suspect:
		next.suspect = !v.suspect
		m.set(h, next)
	}
}

func (m *member) allRead(revision int) bool { return m.noWait || m.allHaveRead(revision) }

// mirror looks at a host that another member keeps. It takes the host if it has heard it and the
// keeper has not, or is dead.
func (m *member) mirror(h int, v hostRecord) {
	live, l := m.live(v.keeper), &m.local[h]
	if live {
		m.vouch(h)
	}
	next := m.own(h)
	switch {
	case live && v.claimed && !m.takeClaimed:
	case m.heard(h) && (v.asked || !live):
		m.set(h, next)
	case live && v.suspect && m.clock()-l.contact <= m.settings.suspect:
		m.set(h, next)
	case live || m.now < m.quiet:
	case m.due(h) && m.heir(h):
		next.asked = true
		m.set(h, next)
	}
}

// set writes the record of a host, with what belongs to it.
func (m *member) set(h int, v hostRecord, with ...write) { m.batch(h, v, with, false) }

// drop deletes the record of a host, with what belongs to it.
func (m *member) drop(h int, with ...write) { m.batch(h, nil, with, false) }

// batch writes the record of a host last, or first.
func (m *member) batch(h int, v any, with []write, first bool) {
	m.busy[h] = true
	w := []write{{key{'h', h}, m.hosts[h].version, v}}
	if first {
		with = append(w, with...)
	} else {
		with = append(with, w...)
	}
	m.put(func(bool) { m.busy[h] = false }, with...)
}

package model

import "time"

// holdsLease reports whether no other member can have removed the record of this one. The others
// remove it one Lapse after they saw its latest renewal. They saw that after it was sent.
func (m *member) holdsLease() bool { return m.now < m.lease+m.lapse-m.margin() }

// settleSoon asks the registry to settle a claim. That takes a moment, sometimes a long one. The
// process may be paused meanwhile.
func (m *member) settleSoon(h int) {
	l, version := &m.local[h], m.hosts[h].version
	if l.settling == version {
		return
	}
	l.settling = version
	m.claims()
	busy := 20 * time.Millisecond
	if m.chance(0.1) {
		busy = m.lapse / 4
	}
	m.after(m.between(0, busy), func() {
		m.do(func() {
			m.local[h].settling = 0 // the same claim may come back if the table goes back
			if m.observe(); m.hosts[h].version == version {
				m.settle(h)
			}
		})
	})
}

// settle evicts a host that is still due, or clears the claim.
func (m *member) settle(h int) {
	v, ok := m.hosts[h].value.(hostRecord)
	if !ok || v.registration != m.local[h].registration || v.keeper != m.id {
		return // it left, or was replaced, here; or the member that claimed it was removed
	}
	switch {
	case m.due(h) && (m.holdsLease() || m.noLease):
		m.oracle.evicts(m, h, v)
		m.depart(h, evicted, true)
		m.review(h)
	case !m.busy[h]:
		m.set(h, m.own(h))
	}
}

// endAgain writes the departure of a registration that has ended here, and that the table still
// has. If a live member has taken the host meanwhile, that one goes on under another number. Its
// record goes first: so the other members see no departure.
func (m *member) endAgain(h int, v hostRecord, e *end) {
	if m.now < e.turn {
		return
	}
	var with []write
	e.repeated = e.repeated || e.written
	if m.findGone(e.registration) == nil {
		with = append(with, write{key{'g', e.registration}, 0, m.goneOf(e)})
	}
	if m.goneApart && len(with) > 0 {
		m.put(func(bool) {}, with...)
		with = nil
	}
	taken := v.keeper != m.id && m.live(v.keeper) && !v.claimed && (e.kind == evicted || e.kind == unseen)
	switch {
	case m.local[h].registration != 0:
		m.set(h, m.own(h), with...)
	case taken && !m.noRenumber:
		v = hostRecord{registration: m.oracle.number(), incarnation: v.incarnation, keeper: v.keeper}
		m.batch(h, v, with, true)
	default:
		m.drop(h, with...)
	}
}

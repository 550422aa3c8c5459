package model

import "time"

// A gone is a gone record in the mirror.
type gone struct {
	registration int
	record
	busy bool
}

func (m *member) findGone(registration int) *gone {
	for _, g := range m.gones {
		if g.registration == registration {
			return g
		}
	}
	return nil
}

// goneOf is the gone record of a departure that this member writes.
func (m *member) goneOf(e *end) goneRecord {
	return goneRecord{
		registration: e.registration, host: e.host, incarnation: e.incarnation, kind: e.kind, cleaner: m.id,
		done: e.cleaned, repeated: e.repeated,
	}
}

// sawGone ends the registration of a gone record.
func (m *member) sawGone(v goneRecord) {
	if m.ends[v.registration] == nil && m.local[v.host].registration == v.registration {
		m.depart(v.host, v.kind, false)
	}
	if m.ends[v.registration] == nil {
		m.remember(&end{registration: v.registration, host: v.host, incarnation: v.incarnation, kind: v.kind, tabled: true})
	}
	e := m.ends[v.registration]
	e.written, e.cleaned = true, e.cleaned || v.done
}

// owe writes the gone records of departures that have no host record in the table.
func (m *member) owe() {
	rest := m.owed[:0]
	for _, e := range m.owed {
		if e.written || e.cleaned {
			continue
		}
		rest = append(rest, e)
		v, _ := m.hosts[e.host].value.(hostRecord)
		if e.alone && v.registration != e.registration && m.now >= e.turn && !m.busy[e.host] {
			m.create(write{key{'g', e.registration}, 0, m.goneOf(e)})
		}
	}
	m.owed = rest
}

// repeat lets a departure be written again that the table has lost.
func (m *member) repeat(e *end) {
	if e.written {
		m.owed = append(m.owed, e)
	}
	e.tabled, e.written, e.alone = false, false, true
	m.takeTurns(e)
}

// takeTurns lets the member write a departure first that decided it, or cleans up after it. The
// others know less: they wait for one Lapse.
func (m *member) takeTurns(e *end) {
	if e.turn = m.now; !e.first {
		e.turn += m.lapse
	}
}

// cleanUp does what there is to do about a gone record.
func (m *member) cleanUp(g *gone) {
	v, e := g.value.(goneRecord), m.ends[g.registration]
	if g.busy {
		return
	}
	mine := v.cleaner == m.id
	heir := !mine && !m.live(v.cleaner) && m.inTouch() && m.now >= m.quiet && m.heir(g.registration)
	switch {
	case e.cleaned && (mine || heir) && (m.noGone || m.now >= m.quiet && m.allHaveRead(g.revision)):
		m.setGone(g, nil)
	case e.cleaned && !v.done:
		v.done = true
		m.setGone(g, v)
	case e.cleaned:
	case mine && (m.holdsLease() || m.lateClean) && (!v.repeated || m.now >= m.quiet && m.allHaveRead(g.revision)):
		m.clean(e)
	case mine:
	case heir:
		v.cleaner = m.id
		m.setGone(g, v)
	}
}

// setGone writes a gone record, or with nil deletes it.
func (m *member) setGone(g *gone, v any) {
	g.busy = true
	m.put(func(bool) { g.busy = false }, write{key{'g', g.registration}, g.version, v})
}

// clean runs the shared cleanup. The member begins it only as long as no other one can have taken
// it over. If the table has lost the record before, all members have said first whether it is done.
func (m *member) clean(e *end) {
	if e.cleaning {
		return
	}
	e.cleaning = true
	m.oracle.cleans(m, e.registration)
	m.after(m.between(time.Millisecond, 300*time.Millisecond), func() {
		m.do(func() {
			e.cleaning, e.cleaned = false, true
			m.oracle.cleaned(m, e.registration)
		})
	})
}

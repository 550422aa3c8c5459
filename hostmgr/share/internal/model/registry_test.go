package model

import "time"

// A local is the registration of a host in the registry of a member.
type local struct {
	host                      int
	registration, incarnation int           // registration 0: there is none
	contact                   time.Duration // that this registry heard, in observed time
	vouched                   time.Duration // until then another keeper has judged the host
	tabled                    bool          // its record has been seen in the table
	missed                    bool          // the table has had its record, and lost it
	kept                      bool          // this member was its keeper before the latest snapshot
	forgotten                 bool          // the table went back, and does not have it
	forgottenAt               time.Duration
	settling                  uint64 // version of the claim that is about to be settled
}

// An end is what is remembered of a registration that ended here. (A registry remembers it for a
// bounded time, longer than failovers take.)
type end struct {
	registration, host, incarnation int
	kind                            departure
	tabled                          bool          // its host record has been seen in the table
	written                         bool          // its gone record has been seen in the table
	cleaned                         bool          // its cleanup is done
	cleaning                        bool          // its cleanup is under way here
	repeated                        bool          // the table has lost its gone record
	alone                           bool          // no host record is written with its gone record
	first                           bool          // it was decided here, or is cleaned up here
	turn                            time.Duration // from then on this member may write it
}

// observe notes a stall. Silence counts only while the registry observes its hosts.
func (m *member) observe() {
	if gap := m.now - m.swept; gap > m.stall() && !m.noStall {
		m.stalled += gap
		m.afresh()
	}
	m.swept = m.now
}

// clock is observed time.
func (m *member) clock() time.Duration { return m.now - m.stalled }

func (m *member) silence(h int) time.Duration {
	return m.clock() - max(m.local[h].contact, m.local[h].vouched)
}

// heard reports a contact here within the timeout.
func (m *member) heard(h int) bool { return m.clock()-m.local[h].contact <= m.timeout }

// due reports whether a host is to be evicted. After a member was removed all silences start
// afresh, once: it may have heard the host.
func (m *member) due(h int) bool {
	if m.counted(h) <= 2*m.timeout+m.lapse && m.clock()-m.removal <= m.timeout && !m.noHandover {
		return false
	}
	return m.silence(h) > m.timeout
}

// counted is the silence of a host. Of the time before the end of the last quiet, in which the
// member could not ask, it includes one timeout at most.
func (m *member) counted(h int) time.Duration { return min(m.silence(h), m.now-m.quiet+m.timeout) }

func (m *member) suspicious(h int) bool {
	return m.settings.suspect > 0 && m.silence(h) > m.settings.suspect
}

// heartbeat is a contact of a process of a host. Only a member acknowledges any.
func (m *member) heartbeat(h, incarnation int) (ok bool) {
	if !m.ready {
		return false
	}
	m.observe()
	l := &m.local[h]
	switch {
	case l.registration != 0 && incarnation < l.incarnation, incarnation != 0 && incarnation <= m.fences[h]:
		return false // stale
	case l.registration != 0 && incarnation > l.incarnation:
		m.depart(h, replaced, true)
		fallthrough
	case l.registration == 0:
		m.join(h, m.oracle.number(), incarnation)
	}
	l.contact = m.clock()
	m.oracle.acknowledged(m, h, incarnation)
	m.review(h)
	return true
}

// leave ends the registration of a host at its request.
func (m *member) leave(h, incarnation int) (ok bool) {
	if l := &m.local[h]; !m.ready || l.registration == 0 || l.incarnation != incarnation {
		return false
	}
	m.observe()
	m.oracle.leaves(h, incarnation)
	m.depart(h, left, true)
	m.review(h)
	return true
}

// join begins a registration. If the table ended the one before, the contact that was heard here
// still counts: the process of the host may be the same.
func (m *member) join(h, registration, incarnation int) {
	l := &m.local[h]
	next := local{host: h, registration: registration, incarnation: incarnation, contact: never, vouched: never}
	if l.registration == 0 && l.incarnation == incarnation {
		next.contact = l.contact
	}
	*l = next
}

// vouch notes that another keeper judges the host.
func (m *member) vouch(h int) {
	if !m.noHandover {
		m.local[h].vouched = m.clock()
	}
}

// renumber gives a registration another number, without a departure: the old one may have departed.
func (m *member) renumber(h int) {
	l := &m.local[h]
	m.oracle.revives(m, h)
	l.registration, l.tabled = m.oracle.number(), false
}

// reflect takes over a registration from the table.
func (m *member) reflect(h int, v hostRecord) {
	l := &m.local[h]
	if m.ends[v.registration] != nil && !m.noMemory {
		return
	}
	switch {
	case l.registration != 0 && v.incarnation < l.incarnation:
		return // the one here is newer
	case l.registration != 0 && v.incarnation > l.incarnation:
		m.depart(h, replaced, !l.tabled)
		fallthrough
	case l.registration == 0:
		m.join(h, v.registration, v.incarnation)
		m.vouch(h)
	}
	if l.registration != v.registration { // one host has joined twice: it gets one number
		m.oracle.merged[l.registration] = true
	}
	l.registration, l.tabled, l.forgotten, l.missed = v.registration, true, false, false
}

// depart ends the registration of a host: as decided here, or by the table.
func (m *member) depart(h int, kind departure, decided bool) {
	l := m.local[h]
	m.local[h] = local{host: h, contact: never, vouched: never}
	if !decided {
		m.local[h].incarnation, m.local[h].contact = l.incarnation, l.contact
	}
	m.oracle.departs(m, l.registration, h, kind, decided)
	v, _ := m.hosts[h].value.(hostRecord)
	e := &end{
		registration: l.registration, host: h, incarnation: l.incarnation, kind: kind, tabled: l.tabled,
		written: !decided, repeated: l.missed, alone: v.registration != l.registration, first: decided, turn: m.now,
	}
	m.remember(e)
	if decided {
		m.owed = append(m.owed, e)
	}
}

// remember also fences: what has left or was replaced does not come back.
func (m *member) remember(e *end) {
	if e.kind == left || e.kind == replaced {
		m.fences[e.host] = max(m.fences[e.host], e.incarnation)
	}
	m.ends[e.registration] = e
	m.endings = append(m.endings, e)
}

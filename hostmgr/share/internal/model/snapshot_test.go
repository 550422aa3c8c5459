package model

// load takes over a snapshot. It decides about what the member knows and the snapshot does not
// have: it has departed, or the table has forgotten it.
func (m *member) load(s *snapshot) {
	l := loading{snapshot: s, member: m, back: (s.back || m.alwaysBack && m.epoch != 0) && !m.neverBack}
	if m.epoch != 0 {
		m.oracle.resyncs++
	}
	_, there := s.records[key{'m', m.id}]
	l.buried = !m.ready || !there
	l.young = s.epoch != m.epoch && s.isYoung()
	l.keepers()
	m.epoch, m.term, m.revision, m.versions, m.synced = s.epoch, s.term, s.revision, []uint64{s.version}, true
	if m.age = s.age(); !s.isYoung() {
		m.age = max(m.age, youngAge+1)
	}
	m.oracle.say("  %d reads a snapshot: back %t buried %t revision %d", m.id, l.back, l.buried, s.revision)
	l.members()
	if m.ready && !there {
		m.rename()
	}
	l.gones()
	l.hosts()
	for _, e := range m.endings {
		l.end(e)
	}
	m.afresh()
}

// A loading is a snapshot that a member takes over.
type loading struct {
	*snapshot
	*member
	back   bool // the table went back since the member read it
	buried bool // its own record was removed meanwhile, or may have been
	young  bool // the table is another one, and has asked nothing yet
}

const youngAge = 5 // renewals: one Lapse

// isYoung reports whether the table is so new that no member has asked a question.
func (s *snapshot) isYoung() bool {
	age := s.age()
	return s.revision == 0 || 0 < age && age <= youngAge
}

// age returns the age of the table in renewals, or 0 if there is no member.
func (s *snapshot) age() (age int) {
	for _, r := range s.records {
		if v, ok := r.value.(memberRecord); ok {
			age = max(age, v.age)
		}
	}
	return age
}

// keepers notes what this member kept, and cleaned up.
func (l *loading) keepers() {
	for h := range l.member.hosts {
		v, ok := l.member.hosts[h].value.(hostRecord)
		l.local[h].kept = ok && v.keeper == l.id
	}
	for _, g := range l.member.gones {
		l.ends[g.registration].first = g.value.(goneRecord).cleaner == l.id
	}
}

// members takes over the members. All of them were seen now.
func (l *loading) members() {
	was := l.peers
	l.peers = nil
	for _, k := range l.keys {
		if k.kind == 'm' {
			l.peers = append(l.peers, &peer{id: k.id, record: l.records[k], seen: l.now})
		}
	}
	for _, p := range was {
		if l.peer(p.id) == nil {
			l.removed()
		}
	}
	if p := l.peer(l.id); p != nil {
		l.lease, l.ready = p.value.(memberRecord).sent, true
		l.oracle.informed[l.id] = true
	}
}

// gones takes over the gone records. One that is missing was deleted because all was done, unless
// the table went back.
func (l *loading) gones() {
	m := l.member
	was := m.gones
	m.gones = nil
	for _, k := range l.keys {
		if k.kind == 'g' {
			m.gones = append(m.gones, &gone{registration: k.id, record: l.records[k]})
			m.sawGone(l.records[k].value.(goneRecord))
		}
	}
	for _, g := range was {
		if _, ok := l.records[key{'g', g.registration}]; !ok && !l.back {
			m.ends[g.registration].cleaned = true
		}
	}
}

// hosts takes over the records of hosts, and looks at registrations that have none.
func (l *loading) hosts() {
	m := l.member
	for h := range m.hosts {
		m.hosts[h] = l.records[key{'h', h}]
		v, ok := m.hosts[h].value.(hostRecord)
		r := &m.local[h]
		if r.registration != 0 && r.registration != v.registration {
			l.compare(h, ok)
		}
		switch {
		case ok:
			m.reflect(h, v)
		case r.registration != 0:
			l.missing(h)
		}
		if !r.kept {
			m.vouch(h)
		}
	}
}

// compare looks at a registration that the snapshot does not have. If the table went back, or if
// this member has never seen the record, it may have departed all the same: if the member was away
// for so long that its own record was removed, it cannot know. Then the registration gets another
// number.
func (l *loading) compare(h int, another bool) {
	r := &l.local[h]
	doubtful := l.buried && !l.young && (!r.tabled || l.back && !another) && !l.noDoubt
	if doubtful {
		l.renumber(h)
	}
	if l.back || doubtful {
		r.missed, r.tabled = !doubtful && (r.missed || r.tabled), false
	}
}

// missing decides about a registration that the snapshot does not have.
func (l *loading) missing(h int) {
	r := &l.local[h]
	if l.back || !r.tabled {
		r.forgotten, r.forgottenAt = !r.kept && l.back || r.forgotten, l.now
		return
	}
	l.depart(h, unseen, false)
}

// end decides about a departure that the snapshot does not show.
func (l *loading) end(e *end) {
	v, _ := l.records[key{'h', e.host}].value.(hostRecord)
	_, gone := l.records[key{'g', e.registration}]
	switch {
	case e.cleaned || gone:
	case v.registration == e.registration:
		l.takeTurns(e)
	case e.tabled && !l.back:
		e.written, e.cleaned = true, true // another member has ended it, too
	default:
		e.repeated = e.repeated || e.written || e.tabled || l.buried
		l.repeat(e)
	}
}

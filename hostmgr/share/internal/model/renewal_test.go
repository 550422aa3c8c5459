package model

// renew writes the record of this member: each renewal interval, and at once if that answers a
// question.
func (m *member) renew() {
	if m.renewing {
		return
	}
	r, was := m.ownRecord()
	if r.revision != 0 && m.now-m.renewed < m.renewal() && !m.answersSince(was.read) {
		return
	}
	m.renewed, m.renewing = m.now, true
	id := m.id
	m.put(func(written bool) {
		m.renewing = false
		if m.earlyReady && written && id == m.id {
			m.ready = true
		}
	}, m.renewalWrite())
}

// ownRecord returns the record of this member, as far as it has read.
func (m *member) ownRecord() (r record, v memberRecord) {
	if p := m.peer(m.id); p != nil {
		r = p.record
	}
	v, _ = r.value.(memberRecord)
	return r, v
}

// renewalWrite is the write that renews the record of this member.
func (m *member) renewalWrite() write {
	r, was := m.ownRecord()
	mark, version := m.mark()
	return write{key{'m', m.id}, r.version, memberRecord{max(was.age, m.age) + 1, mark, version, m.now}}
}

// create writes records that are not there yet, in one batch with a renewal. So the batch fails if
// it arrives after the next renewal: what was true then may not be true any more.
func (m *member) create(batch ...write) {
	if m.renewing {
		return
	}
	m.renewing = true
	m.put(func(bool) {
		m.renewing = false
	}, append([]write{m.renewalWrite()}, batch...)...)
}

// goodbye removes the record of this member, which is about to end.
func (m *member) goodbye() {
	if p := m.peer(m.id); p != nil {
		m.put(func(bool) {}, write{key{'m', m.id}, p.version, nil})
	}
}

// answersSince reports whether the mark answers a question that was asked after a revision.
func (m *member) answersSince(revision int) bool {
	if !m.questionIn(revision, m.revision) { // which is most often so
		return false
	}
	mark, _ := m.mark()
	return m.questionIn(revision, mark)
}

// questionIn reports whether a member has asked something after one revision, up to another.
func (m *member) questionIn(after, upTo int) bool {
	for h := range m.hosts {
		r := &m.hosts[h]
		if v, ok := r.value.(hostRecord); ok && after < r.revision && r.revision <= upTo && v.asked && v.keeper != m.id {
			return true
		}
	}
	return false
}

// mark returns the revision up to which this member has read and answered, with its version. It
// stays before each open question about a host that was heard here, and before each cleanup that
// the table has lost and that is known here to be done. 0: unknown.
func (m *member) mark() (revision int, version uint64) {
	revision = m.revision
	for h := range m.hosts {
		v, ok := m.hosts[h].value.(hostRecord)
		if ok && v.asked && !v.claimed && v.keeper != m.id && m.heard(h) && !m.noHold {
			revision = min(revision, m.hosts[h].revision-1)
		}
	}
	for _, g := range m.gones {
		if v := g.value.(goneRecord); v.repeated && !v.done && m.ends[g.registration].cleaned {
			revision = min(revision, g.revision-1)
		}
	}
	version, ok := m.versionOf(revision)
	if !ok {
		return 0, 0
	}
	return revision, version
}

// versionOf returns the version of a change that was read since the snapshot.
func (m *member) versionOf(revision int) (uint64, bool) {
	i := len(m.versions) - 1 - (m.revision - revision)
	if i < 0 || i >= len(m.versions) {
		return 0, false
	}
	return m.versions[i], true
}

// allHaveRead reports whether every other live member has read and answered up to a revision.
func (m *member) allHaveRead(revision int) bool {
	for _, p := range m.peers {
		if p.id == m.id {
			continue
		}
		r := p.value.(memberRecord)
		version, ok := m.versionOf(r.read)
		if r.read < revision || !m.noHistory && (!ok || version != r.readVersion) {
			return false
		}
	}
	return true
}

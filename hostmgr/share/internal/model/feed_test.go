package model

// read reads a snapshot, or waits for the changes after it. One read is under way at a time.
func (m *member) read() {
	if m.reading {
		return
	}
	m.reading = true
	if !m.synced {
		m.send(forReads, 2*m.request(), func(t *table, reply func(any)) { reply(t.snapshot(m.position())) }, m.readSnapshot)
		return
	}
	type answer struct {
		changes []change
		epoch   int
	}
	m.send(forReads, m.touch(), func(t *table, reply func(any)) {
		t.read(m.revision, m.epoch, func(c []change, epoch int) { reply(answer{c, epoch}) })
	}, func(v any, ok bool) {
		m.reading = false
		if a, _ := v.(answer); ok {
			m.touched()
			m.readChanges(a.changes, a.epoch)
		}
		m.read()
	})
}

// position is how far the member has read.
func (m *member) position() position {
	if m.epoch == 0 {
		return position{}
	}
	return position{m.epoch, m.term, m.revision, m.versions[len(m.versions)-1]}
}

func (m *member) readSnapshot(v any, ok bool) {
	m.reading = false
	if ok {
		m.observe()
		m.touched()
		m.load(v.(*snapshot))
		m.renew()
		m.read()
	}
}

// readChanges applies changes up to one that does not follow the one before it. Then it starts
// over.
func (m *member) readChanges(changes []change, epoch int) {
	if epoch != m.epoch {
		m.synced = false
		return
	}
	m.observe()
	for _, c := range changes {
		if !m.noChain && (c.revision != m.revision+1 || c.previous != m.versions[len(m.versions)-1]) {
			m.synced = false
			return
		}
		m.apply(c)
	}
	m.renew()
	for _, c := range changes {
		if c.key.kind == 'h' {
			m.review(c.key.id)
		}
	}
}

// apply mirrors a change.
func (m *member) apply(c change) {
	m.revision = c.revision
	m.versions = append(m.versions, c.version)
	r := record{c.revision, c.version, c.value, c.at}
	switch c.key.kind {
	case 'm':
		m.applyMember(c.key.id, r)
	case 'g':
		m.applyGone(c.key.id, r)
	case 'h':
		m.applyHost(c.key.id, r)
	}
}

func (m *member) applyMember(id int, r record) {
	p := m.peer(id)
	switch {
	case r.value == nil && p != nil:
		m.forget(p)
		m.removed()
		if id == m.id {
			m.rename()
		}
		return
	case r.value == nil:
		return
	case p == nil:
		p = &peer{id: id}
		m.peers = append(m.peers, p)
	}
	p.record, p.seen = r, m.now
	if id == m.id {
		m.ownSeen, m.lease, m.ready = m.now, r.value.(memberRecord).sent, true
		m.oracle.informed[id] = true
	}
}

func (m *member) forget(p *peer) {
	for i := range m.peers {
		if m.peers[i] == p {
			m.peers = append(m.peers[:i:i], m.peers[i+1:]...)
			return
		}
	}
}

// removed notes that a member is gone, with all that it had heard and not said.
func (m *member) removed() {
	if !m.noRemoval {
		m.removal = m.clock()
	}
}

func (m *member) applyHost(h int, r record) {
	was, _ := m.hosts[h].value.(hostRecord)
	if m.hosts[h] = r; r.value != nil {
		m.reflect(h, r.value.(hostRecord))
		return
	}
	m.hosts[h] = record{}
	if l := &m.local[h]; l.registration != 0 && l.registration == was.registration {
		m.depart(h, unseen, false)
	}
}

func (m *member) applyGone(registration int, r record) {
	for i, g := range m.gones {
		if g.registration == registration {
			if r.value == nil {
				m.gones = append(m.gones[:i:i], m.gones[i+1:]...)
				m.ends[registration].cleaned = true
				return
			}
			g.record = r
			m.sawGone(r.value.(goneRecord))
			return
		}
	}
	if r.value != nil {
		m.gones = append(m.gones, &gone{registration: registration, record: r})
		m.sawGone(r.value.(goneRecord))
	}
}

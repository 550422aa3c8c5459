package model

import "time"

// A peer is a member as another one sees it.
type peer struct {
	id int
	record
	seen time.Duration // when its record was last seen to change
	busy bool
}

func (m *member) peer(id int) *peer {
	for _, p := range m.peers {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (m *member) live(id int) bool { return m.peer(id) != nil }

// heir reports whether this member takes over what a dead one leaves: by rendezvous hashing.
func (m *member) heir(item int) bool {
	best, most := 0, uint64(0)
	for _, p := range m.peers {
		if s := mix(uint64(p.id)<<32 | uint64(item)); best == 0 || s > most {
			best, most = p.id, s
		}
	}
	return best == m.id
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// inTouch reports whether the table has answered lately.
func (m *member) inTouch() bool { return m.now-m.answered < m.touch() }

// buryAll removes the records of members that have not renewed them for Lapse.
func (m *member) buryAll() {
	if !m.inTouch() && !m.buryBlind {
		return
	}
	for _, p := range m.peers {
		if p.id == m.id || p.busy || m.now-p.seen <= m.lapse {
			continue
		}
		p.busy = true
		m.put(func(bool) { p.busy = false }, write{key{'m', p.id}, p.version, nil})
	}
}

// touched notes that the table has answered. If it had not for long, the silence of the others
// before says nothing.
func (m *member) touched() {
	if m.now-m.answered > m.touch() {
		m.afresh()
	}
	m.answered = m.now
}

// afresh gives all members one Lapse to renew their records and to say what they know.
func (m *member) afresh() {
	m.ownSeen = m.now
	if !m.buryBlind {
		for _, p := range m.peers {
			p.seen = m.now
		}
	}
	if !m.noQuiet {
		m.quiet = max(m.quiet, m.now+m.lapse)
	}
}

package hostmgr

import "github.com/hostlife/hostlife/hostmgr/internal/index"

// partings has the latest contacts of hosts whose registration another member has ended. A process
// may go on under another registration: it may have left at one member, and announced itself to
// another, while it was heard here. The table tells of the end first. Then the contact here counts
// for the next registration of that process.
//
// A contact counts for carryFor. Sweeps drop it after twice as long at most. So there are at most
// as many as hosts that were heard here and departed within that time. The registry's lock guards
// it.
type partings struct {
	latest, before map[index.Hash]parting
	turned         int64
}

type parting struct {
	incarnation uint64
	assigned    bool
	contact, at int64
}

const carryFor = int64(30e9)

// add keeps the last contact of a host that departs now.
func (p *partings) add(e index.Entry, contact, now int64) {
	p.turn(now)
	delete(p.before, e.Hash())
	if p.latest == nil {
		p.latest = map[index.Hash]parting{}
	}
	p.latest[e.Hash()] = parting{e.Incarnation(), e.Assigned(), contact, now}
}

// turn drops what is too old.
func (p *partings) turn(now int64) {
	if now-p.turned < carryFor {
		return
	}
	if p.before = p.latest; now-p.turned >= 2*carryFor {
		p.before = nil
	}
	p.latest, p.turned = nil, now
}

// take removes and returns the contact that counts for a registration, or index.Earliest.
func (p *partings) take(h index.Hash, incarnation uint64, assigned bool, now int64) int64 {
	m := p.latest
	x, ok := m[h]
	if !ok {
		m = p.before
		x, ok = m[h]
	}
	same := x.incarnation == incarnation || x.assigned && assigned
	if !ok || !same || now-x.at > carryFor {
		return index.Earliest
	}
	delete(m, h)
	return x.contact
}

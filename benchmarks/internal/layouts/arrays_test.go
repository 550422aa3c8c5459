package layouts

import "hash/maphash"

const (
	arrayPage   = 1024 // hosts
	arrayGroups = 160  // so that at most four fifths of the index are taken
	arrayChunk  = 32   // hosts
)

// arrays keeps hosts, with their ids, without gaps in order of arrival; a small index
// of tags in each page says where. That takes the least memory. But a heartbeat waits for
// the index before it knows where the host is, then for the id, the lease and the word.
type arrays struct {
	directory[arraysPage]
	seed maphash.Seed
}

type arraysPage struct {
	depth, hosts int
	index        [arrayGroups]struct {
		tags  tags
		hosts [tagSlots]uint16
	}
	chunks [arrayPage / arrayChunk]*arraysChunk
}

type arraysChunk struct {
	words   [arrayChunk]word
	records [arrayChunk]record
}

func newArrays() *arrays {
	a := &arrays{seed: maphash.MakeSeed()}
	a.begin(&arraysPage{})
	return a
}

func (a *arrays) Add(id string, l lease) {
	h := maphash.String(a.seed, id)
	for a.page(h).hosts == arrayPage {
		a.split(h)
	}
	a.page(h).add(h, record{newName(id), l}, 0)
}

func (a *arrays) split(h uint64) {
	p := a.page(h)
	halves := [2]*arraysPage{{depth: p.depth + 1}, {depth: p.depth + 1}}
	for i := range p.hosts {
		c, i := p.chunks[i/arrayChunk], i%arrayChunk
		r := c.records[i]
		h := maphash.String(a.seed, r.String())
		halves[half(h, p.depth)].add(h, r, c.words[i].v.Load())
	}
	a.replace(h, p.depth, halves)
}

func (p *arraysPage) add(h uint64, r record, seen int64) {
	host := p.hosts
	p.hosts++
	if host%arrayChunk == 0 {
		p.chunks[host/arrayChunk] = &arraysChunk{}
	}
	c := p.chunks[host/arrayChunk]
	c.records[host%arrayChunk] = r
	c.words[host%arrayChunk].v.Store(seen)
	g := among(h, arrayGroups)
	for p.index[g].tags.free() == 0 {
		g = (g + 1) % arrayGroups
	}
	slot := first(p.index[g].tags.free())
	p.index[g].hosts[slot] = uint16(host)
	p.index[g].tags.take(slot, h)
}

func (a *arrays) Heartbeat(id string, t int64) (lease, bool) {
	h := maphash.String(a.seed, id)
	p := a.page(h)
	for g := among(h, arrayGroups); ; g = (g + 1) % arrayGroups {
		slots, full := p.index[g].tags.like(h)
		for ; slots != 0; slots &= slots - 1 {
			host := p.index[g].hosts[first(slots)]
			c, i := p.chunks[host/arrayChunk], host%arrayChunk
			if r := &c.records[i]; r.is(id) {
				l := r.lease
				c.words[i].heartbeat(t)
				return l, true
			}
		}
		if !full {
			return lease{}, false
		}
	}
}

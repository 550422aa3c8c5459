package layouts

import (
	"hash/maphash"
	"sync/atomic"
)

const (
	pageSlots = 1280
	pageLimit = pageSlots * 4 / 5 // hosts
	nameChunk = 32                // hosts
)

// wordsAndKeys is what hostmgr does, without its metadata, events and policies, and
// with pages that don't grow before they are split. A heartbeat recognises a host by 64
// bits of a second hash, and visits its word and its key only: two cache lines whose
// addresses follow from the hashes, fetched at the same time. It pays with free
// slots, which are small, and a chance of 5e-17 to take an unknown id for another.
//
// Hashed once, it is recognised by the bits that led to it: a chance of 5e-14. That
// makes heartbeats short enough for the processor to begin the next one while it waits for
// this one's memory, unless they read a clock, for that waits.
type wordsAndKeys struct {
	directory[page]
	seeds [2]maphash.Seed
	once  bool
}

type page struct {
	depth, hosts int
	words        []word
	keys         []key
	names        []*[nameChunk]slotName // in order of arrival; not for heartbeats
}

type key struct {
	print atomic.Uint64 // 0: the slot is free
	lease
}

type slotName struct {
	name
	slot uint16
}

func newPage(depth int) *page {
	return &page{depth: depth, words: make([]word, pageSlots), keys: make([]key, pageSlots)}
}

func newWordsAndKeys(once bool) *wordsAndKeys {
	w := &wordsAndKeys{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, once: once}
	w.begin(newPage(0))
	return w
}

func (w *wordsAndKeys) hash(id string) (place, print uint64) {
	place = maphash.String(w.seeds[0], id)
	if w.once {
		return place, max(1, place)
	}
	return place, max(1, maphash.String(w.seeds[1], id))
}

func (w *wordsAndKeys) Add(id string, l lease) {
	place, print := w.hash(id)
	for w.page(place).hosts == pageLimit {
		w.split(place)
	}
	w.page(place).add(print, newName(id), l, 0)
}

func (w *wordsAndKeys) split(place uint64) {
	p := w.page(place)
	halves := [2]*page{newPage(p.depth + 1), newPage(p.depth + 1)}
	for i := range p.hosts {
		n := p.names[i/nameChunk][i%nameChunk]
		place, print := w.hash(n.String())
		halves[half(place, p.depth)].add(print, n.name, p.keys[n.slot].lease, p.words[n.slot].v.Load())
	}
	w.replace(place, p.depth, halves)
}

func (p *page) add(print uint64, n name, l lease, seen int64) {
	i := among(print, pageSlots)
	for p.keys[i].print.Load() != 0 {
		i = (i + 1) % pageSlots
	}
	if p.hosts%nameChunk == 0 {
		p.names = append(p.names, new([nameChunk]slotName))
	}
	p.names[p.hosts/nameChunk][p.hosts%nameChunk] = slotName{n, uint16(i)}
	p.hosts++
	p.words[i].v.Store(seen)
	p.keys[i].lease = l
	p.keys[i].print.Store(print)
}

func (w *wordsAndKeys) Heartbeat(id string, t int64) (lease, bool) {
	place, print := w.hash(id)
	p := w.page(place)
	for i := among(print, pageSlots); ; i = (i + 1) % pageSlots {
		switch k := &p.keys[i]; k.print.Load() {
		case print:
			l := k.lease
			p.words[i].heartbeat(t)
			return l, true
		case 0:
			return lease{}, false
		}
	}
}

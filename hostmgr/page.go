package hostmgr

import (
	"iter"
	"sync/atomic"
)

const (
	minSlots  = 16
	maxSlots  = 1536 // a page that needs more becomes two
	chunkSize = 64

	maxTermsOfPage = 2 * maxSlots
)

// A page is the lives whose hashes begin with the same bits: a hash table of
// its own, with open addressing and linear probing, and at the same time what a
// sweep takes in hand at once.
//
// words and keys are all that a heartbeat touches: one cache line of each, at an
// address that follows from the hash alone, so that the processor fetches both at
// the same time. Everything else is guarded by Registry.mu, lies in chunks in
// order of arrival, and is found by a slot's record.
//
// Nothing in here but the metadata is a pointer for each host, so the garbage
// collector has little to look at.
type page[M any] struct {
	first uint64 // the lowest hash, and
	depth int    // how many of its bits all share

	words []word
	keys  []key

	// Guarded by Registry.mu.
	records []record
	chunks  []chunk[M]
	long    map[uint16]string // the ids that a chunk has no room for, by record
	terms   []*terms          // that hosts in here are judged by; only grows
	used    int               // slots that are not free
	live    int               // of them, those of lives that are there
	due     int64             // no life in here needs a look before
	held    bool              // a life in here is due but held
	place   int               // in the schedule
}

// A key is what a heartbeat must know of a life to recognise it, and to answer.
type key struct {
	print       atomic.Uint64 // of the id's hash; 0: the slot is free
	incarnation uint64
	number      uint64
	interval    atomic.Int64
}

// A record says where the rest of a life is.
type record struct{ at, terms uint16 }

// A chunk is room for the rest of 64 lives.
type chunk[M any] struct {
	*plain
	metadata *[chunkSize]M
}

// plain is what the garbage collector need not look into (a size class of its
// own: 4864 bytes).
type plain struct {
	ids     [chunkSize][64]byte
	joined  [chunkSize]int64
	size    [chunkSize]uint16 // of the id
	zone    [chunkSize]uint8
	suspect [chunkSize]bool // what watchers were told last
}

// capacity is how many slots a page for so many lives has: at most three
// quarters of them are taken at first. Large ones are multiples of 256, which
// are size classes of the allocator.
func capacity(live int) int {
	need := live + live/3 + 1
	if need > 256 {
		return (need + 255) &^ 255
	}
	slots := minSlots
	for slots < need {
		slots *= 2
	}
	return slots
}

func newPage[M any](first uint64, depth, live int) *page[M] {
	slots := min(capacity(live), maxSlots)
	p := &page[M]{
		first: first, depth: depth, due: never,
		words: make([]word, slots), keys: make([]key, slots), records: make([]record, slots),
	}
	for i := range p.words {
		p.words[i].clear()
	}
	return p
}

// limit is how many slots may be taken: the free ones end every search.
func (p *page[M]) limit() int { return len(p.words) - len(p.words)/10 - 1 }

// last is the highest hash.
func (p *page[M]) last() uint64 { return p.first | (1<<63>>p.depth<<1 - 1) }

// slot is where the search for h begins.
func (p *page[M]) slot(h hash) int {
	return int(h.place << p.depth >> 32 * uint64(len(p.keys)) >> 32)
}

// find returns the life with this hash that is there. Of two with one id it finds
// the older until that is over: newer ones lie further on.
func (p *page[M]) find(h hash) (life[M], bool) {
	for i := p.slot(h); ; i++ {
		if i == len(p.keys) {
			i = 0
		}
		switch p.keys[i].print.Load() {
		case h.print:
			if l := (life[M]{p, i}); l.word().there() {
				return l, true
			}
		case 0:
			return life[M]{}, false
		}
	}
}

// lives are those that are there.
func (p *page[M]) lives() iter.Seq[life[M]] {
	return func(yield func(life[M]) bool) {
		for i := range p.words {
			if p.words[i].there() && !yield(life[M]{p, i}) {
				return
			}
		}
	}
}

// take takes the first free slot for h, and a record. The caller fills them in,
// and then publishes the slot.
func (p *page[M]) take(h hash) life[M] {
	i := p.slot(h)
	for p.keys[i].print.Load() != 0 {
		if i++; i == len(p.keys) {
			i = 0
		}
	}
	p.records[i].at = uint16(p.used)
	if p.used%chunkSize == 0 {
		p.chunks = append(p.chunks, chunk[M]{new(plain), new([chunkSize]M)})
	}
	p.used++
	p.live++
	return life[M]{p, i}
}

// copy takes over a life from another page.
func (p *page[M]) copy(from life[M], h hash) life[M] {
	l := p.take(h)
	l.setID(from.id())
	l.setTerms(from.terms())
	a, i := l.rest()
	b, j := from.rest()
	a.metadata[i], a.joined[i], a.zone[i], a.suspect[i] = b.metadata[j], b.joined[j], b.zone[j], b.suspect[j]
	l.begin(from.lease(), from.word().v.Load(), h.print)
	return l
}

// soonest lists what terms.soonest says for each of the page's terms, of one that
// is not suspect and of one that is.
func (p *page[M]) soonest() []int64 {
	list := make([]int64, 0, 2*len(p.terms)+2)
	for _, t := range p.terms {
		list = append(list, t.soonest(false), t.soonest(true))
	}
	return append(list, 0, 0) // a page without any: its slots are vacant
}

// sortOut drops the terms that nobody is judged by any more.
func (p *page[M]) sortOut() {
	old := p.terms
	p.terms = nil
	moved := make(map[uint16]uint16)
	for l := range p.lives() {
		r := &p.records[l.slot]
		to, ok := moved[r.terms]
		if !ok {
			to = uint16(len(p.terms))
			p.terms = append(p.terms, old[r.terms])
			moved[r.terms] = to
		}
		r.terms = to
	}
}

// drop forgets a life whose word is over. Its slot stays taken.
func (p *page[M]) drop(l life[M]) {
	c, i := l.rest()
	var none M
	c.metadata[i] = none
	c.size[i] = 0
	clear(c.ids[i][:])
	delete(p.long, p.records[l.slot].at)
	p.live--
}

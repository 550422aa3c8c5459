package hostmgr

import (
	"hash/maphash"
	"slices"
	"sync/atomic"
)

// A table finds the life of an id: by heartbeats without any lock, while it
// changes under Registry.mu.
//
// It is extendible hashing (Fagin, Nievergelt, Pippenger, Strong 1979): the first
// bits of an id's hash lead through the directory to a page, the others to a slot
// in it. A page that is full is rebuilt, larger or as four; pages that have
// emptied are rebuilt smaller, or as one. So nothing ever grows, or shrinks, by more
// than a page at a time.
//
// Why readers need no lock: a slot is written before its hash is (an
// atomic store, see publish), and from then on only its atomic fields
// change; it is never used again for another life. What is over stays over, and
// is passed by. Reuse of room happens only by building a new page, and the
// collector takes the old one when the last reader has let go of it.
//
// Why a reader of an old page is never wrong (rebuild and find): the directory
// leads to the new page before any word of the old one ends. A beat that still
// reached the old word came before that word ended, and is carried over; one that
// comes later finds it over, and looks again. A reader that finds nothing may
// have looked in a page that was old already: only if the directory still leads
// to the same page has it seen all there was.
type table[M any] struct {
	seed      maphash.Seed
	learns    bool // lives have rhythms
	directory atomic.Pointer[directory[M]]

	// Guarded by Registry.mu.
	schedule schedule[M]                // all pages
	depths   [65]int                    // pages of each depth
	widths   [maxSlots/pageUnit + 1]int // pages of up to so many times pageUnit slots
}

// A directory has a page for each prefix of so many bits. A page that covers
// several stands there several times.
type directory[M any] struct {
	depth int
	pages []atomic.Pointer[page[M]]
}

// A hash is an id's: its first bits lead to the page, its last ones to the slot, and
// all of it is kept there to recognise the id by (never 0, which says that a slot is
// free). A heartbeat compares no more than that, which saves it a visit to the id.
// That the beat of an id that is unknown is taken for that of one of a million others
// has a chance of 5e-14; the seed is secret, so nobody can look for such an id, and who
// could send that beat could as well send the other's. Whoever holds the lock compares
// the ids themselves, and a join that finds another id with its hash (of a million, two
// have one with a chance of 3e-8) makes the two lives twins, whose beats take the lock as
// well.
type hash uint64

func newTable[M any](learns bool) *table[M] {
	t := &table[M]{seed: maphash.MakeSeed(), learns: learns}
	d := &directory[M]{pages: make([]atomic.Pointer[page[M]], 1)}
	p := newPage[M](0, 0, 0, learns)
	d.pages[0].Store(p)
	t.directory.Store(d)
	t.enter(p, never)
	return t
}

func (t *table[M]) hash(id string) hash {
	return hash(max(1, maphash.Comparable(t.seed, id))) // fewer calls than String, same hash function
}

// page is where the directory leads to.
func (t *table[M]) page(h hash) *page[M] {
	d := t.directory.Load()
	return d.pages[h>>1>>((63-d.depth)&63)].Load() // h>>(64-d.depth), without a check for 64
}

// find returns the life that has this hash. It needs no lock; what it returns
// may be over by the time it does.
func (t *table[M]) find(h hash) (life[M], bool) {
	p := t.page(h)
	for {
		if i := p.seek(h, p.slot(h)); i >= 0 {
			return life[M]{p, i}, true
		}
		now := t.page(h)
		if now == p {
			return life[M]{}, false
		}
		p = now
	}
}

// exactly is find by someone who holds Registry.mu, for reading at least, and
// compares the id as well.
func (t *table[M]) exactly(h hash, id string) (life[M], bool) {
	p := t.page(h)
	for i := p.seek(h, p.slot(h)); i >= 0; i = p.seek(h, i+1) {
		if l := (life[M]{p, i}); l.id() == id {
			return l, true
		}
	}
	return life[M]{}, false
}

// room makes sure that there is a free slot for h. It may move lives: what was
// found before is not valid after.
func (t *table[M]) room(h hash) {
	for {
		p := t.page(h)
		if p.used < p.limit() {
			return
		}
		depth := p.depth
		if capacity(p.live+1) > maxSlots {
			depth += splitBits
		}
		t.rebuild(depth, p)
	}
}

// tidy gives back what a page that has emptied holds, if it is worth it. It may
// move lives, like room.
func (t *table[M]) tidy(p *page[M]) {
	if p.live >= len(p.words)/4 || len(p.words) == minSlots && p.depth == 0 {
		return
	}
	for p.depth > 0 {
		family, live := t.family(p)
		if len(family) < 1<<splitBits || live > maxSlots/4 {
			break
		}
		t.rebuild(p.depth-splitBits, family...)
		p = t.page(hash(p.first))
	}
	if p.live < len(p.words)/4 && len(p.words) > minSlots {
		t.rebuild(p.depth, p)
	}
}

// family is the pages that a page split into, or those of them that did not split again,
// and the lives in them.
func (t *table[M]) family(p *page[M]) (family []*page[M], live int) {
	first := p.first &^ ((1<<splitBits - 1) << (64 - p.depth))
	for i := range uint64(1 << splitBits) {
		if s := t.page(hash(first | i<<(64-p.depth))); s.depth == p.depth {
			family, live = append(family, s), live+s.live
		}
	}
	return family, live
}

// A move is one life on its way to a new page.
type move struct{ from, to *word }

// rebuild replaces old pages by new ones of the given depth: one by one that is as deep,
// one by a family that is deeper, or a family by one that is less deep.
func (t *table[M]) rebuild(depth int, old ...*page[M]) {
	for _, p := range old {
		p.rhythms.move()
	}
	fresh := t.plan(depth, old)
	var moves []move
	if p := old[0]; len(old) == 1 && len(fresh) == 1 && p.live >= p.records/8*7 {
		moves = t.reseat(p, fresh[0])
	} else {
		for _, p := range old {
			moves = t.copy(p, fresh, moves)
		}
	}
	t.replace(old, fresh)
	for _, m := range moves {
		m.to.beat(m.from.end())
	}
}

// reseat moves the lives of a page that merely grows: their records stay.
func (t *table[M]) reseat(p, fresh *page[M]) []move {
	moves := make([]move, 0, p.live)
	fresh.adopt(p)
	for l := range p.lives() {
		moves = append(moves, move{l.word(), fresh.reseat(l).word()})
	}
	return moves
}

// copy moves the lives of a page with all that is known of them.
func (t *table[M]) copy(p *page[M], fresh []*page[M], moves []move) []move {
	moves = slices.Grow(moves, p.live)
	for l := range p.arrivals() {
		to := fresh[int(l.key().hash>>(64-fresh[0].depth))&(len(fresh)-1)]
		moves = append(moves, move{l.word(), to.copy(l).word()})
	}
	return moves
}

// plan makes the empty pages that rebuild fills.
func (t *table[M]) plan(depth int, old []*page[M]) []*page[M] {
	live, first := 0, old[0].first
	for _, p := range old {
		live += p.live
		first = min(first, p.first)
	}
	// If there are four parts of 1365 lives or more, each has 512 slots at least: that one
	// gets more than that has a chance below 1e-20.
	parts := 1 << max(0, depth-old[0].depth)
	fresh := make([]*page[M], parts)
	for i := range fresh {
		fresh[i] = newPage[M](first|uint64(i)<<(64-depth), depth, live/parts, t.learns)
	}
	return fresh
}

// replace lets the directory lead to the fresh pages.
func (t *table[M]) replace(old, fresh []*page[M]) {
	due := never
	for _, p := range old {
		due = min(due, t.schedule.due(p))
	}
	for _, p := range fresh {
		t.deepen(p.depth)
		d := t.directory.Load()
		span := len(d.pages) >> p.depth
		at := int(p.first >> (64 - d.depth))
		for i := range span {
			d.pages[at+i].Store(p)
		}
		t.enter(p, due)
	}
	for _, p := range old {
		t.schedule.remove(p)
		t.depths[p.depth]--
		t.widths[p.width()]--
	}
	t.flatten()
}

func (t *table[M]) enter(p *page[M], due int64) {
	t.schedule.add(p, due)
	t.depths[p.depth]++
	t.widths[p.width()]++
}

// widest is how many slots no page has more than.
func (t *table[M]) widest() int {
	for i := len(t.widths) - 1; i > 0; i-- {
		if t.widths[i] > 0 {
			return i * pageUnit
		}
	}
	return 0
}

// deepen doubles the directory until it tells apart what a page of this depth
// needs.
func (t *table[M]) deepen(depth int) {
	for d := t.directory.Load(); d.depth < depth; d = t.directory.Load() {
		t.resize(d.depth + 1)
	}
}

// flatten halves the directory as long as no page needs all of it.
func (t *table[M]) flatten() {
	for d := t.directory.Load(); d.depth > 0 && t.depths[d.depth] == 0; d = t.directory.Load() {
		t.resize(d.depth - 1)
	}
}

// resize publishes a copy of the directory. Who still reads the old one may be
// led to a page that has been rebuilt since, and looks again as find does.
func (t *table[M]) resize(depth int) {
	d := t.directory.Load()
	fresh := &directory[M]{depth: depth, pages: make([]atomic.Pointer[page[M]], 1<<depth)}
	for i := range fresh.pages {
		fresh.pages[i].Store(d.pages[i<<d.depth>>depth].Load())
	}
	t.directory.Store(fresh)
}

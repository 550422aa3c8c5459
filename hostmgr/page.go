package hostmgr

import (
	"iter"
	"sync/atomic"
	"time"
	"unsafe"
)

const (
	minSlots  = 16
	maxSlots  = 2048 // a page that needs more splits
	pageUnit  = 128  // large pages have a multiple of so many slots
	splitBits = 2    // into four: so hosts are copied less often than if it were two
	chunkSize = 64

	maxTermsOfPage = 2 * maxSlots
)

// A page is the lives whose hashes begin with the same bits: a hash table of
// its own, with open addressing and linear probing, and at the same time what a
// sweep takes in hand at once.
//
// words and keys are all that a heartbeat touches (and rhythms, if somebody learns): one cache line of each, at an
// address that follows from the hash alone, so that the processor fetches both at
// the same time. Everything else is guarded by Registry.mu, lies in chunks in
// order of arrival, and is found by a slot's record.
//
// Nothing in here but the metadata is a pointer for each host, so the garbage
// collector has little to look at.
type page[M any] struct {
	words   []word
	keys    []key
	rhythms *rhythms // nil if no policy learns

	// Guarded by Registry.mu; what most looks of a sweep need comes first.
	patience int64           // the least that soonest says for any of the terms
	live     int             // lives that are there
	depth    int             // how many first bits of their hashes all lives share; never changes
	rank     int             // in the schedule
	holds    map[uint16]hold // why lives that are due are still here, by their records' numbers

	first   uint64 // the lowest hash that belongs here; never changes
	marks   []mark
	chunks  []chunk[M]
	large   []*M              // metadata, if M is large, by the record's number
	long    map[uint16]string // the ids that a record has no room for, by its number
	terms   []*terms          // that hosts in here are judged by; only grows
	used    int               // slots that are not free
	records int               // that were ever taken
}

// A key is what a heartbeat must know of a life to recognise it, and to answer.
// Once the slot can be found, hash and rest are changed atomically, and read so by
// whoever does not hold the lock; like a word, they need not be before that.
type key struct {
	hash        hash // 0: the slot is free
	incarnation uint64
	number      uint64
	rest        uint64 // the interval (48 bits are 3 days), the record's number, and a bit for twins
}

const (
	intervalBits = 48
	recordBits   = (1<<15 - 1) << intervalBits
	twinBit      = 1 << 63
)

func (k *key) load() hash { return hash(atomic.LoadUint64((*uint64)(&k.hash))) }

// isTwin tells whether another id that is there, or was since this life began, has this
// hash.
func (k *key) isTwin() bool { return atomic.LoadUint64(&k.rest)&twinBit != 0 }
func (k *key) setTwin()     { atomic.OrUint64(&k.rest, twinBit) }

// isMeant tells whether a heartbeat of that incarnation is for this life, and no other may
// have its hash.
func (k *key) isMeant(incarnation uint64) bool {
	return !k.isTwin() && (incarnation == 0 || incarnation == k.incarnation)
}

func (k *key) interval() time.Duration {
	return time.Duration(atomic.LoadUint64(&k.rest) & (1<<intervalBits - 1))
}

func (k *key) lease() Lease {
	return Lease{Interval: k.interval(), Incarnation: k.incarnation, Life: k.number}
}

func (k *key) setInterval(d time.Duration) {
	atomic.StoreUint64(&k.rest, k.rest>>intervalBits<<intervalBits|uint64(d))
}

// A mark is what a sweep must know of a life, beside its word.
type mark struct {
	terms   uint16 // which of the page's it is judged by
	zone    uint8
	suspect bool // what watchers were told last
}

// A chunk is room for the rest of 64 lives. The garbage collector need not look
// into the first part (4864 bytes, which is a size class of its own).
type chunk[M any] struct {
	records  *[chunkSize]record
	metadata *[chunkSize]M // nil if M is large
}

// largeSize is the size above which metadata are large. They have an allocation each, made when a host
// joins: room for 64 at once would be far too much for a registry of few hosts.
const largeSize = 1 << 10 // bytes

// isLarge is known when this is compiled.
func isLarge[M any]() bool {
	var m M
	return unsafe.Sizeof(m) > largeSize
}

func newChunk[M any]() chunk[M] {
	c := chunk[M]{records: new([chunkSize]record)}
	if !isLarge[M]() {
		c.metadata = new([chunkSize]M)
	}
	return c
}

type record struct {
	id     [64]byte // or the beginning of a longer one
	size   uint16   // of the id
	joined [2]uint32
}

func (r *record) setJoined(at int64) { r.joined = [2]uint32{uint32(at), uint32(at >> 32)} }
func (r *record) joinedAt() int64    { return int64(r.joined[1])<<32 | int64(r.joined[0]) }

// capacity is how many slots a page for so many lives has: at most two thirds of
// them are taken at first. Large ones are multiples of 128, which are size classes
// of the allocator, or nearly.
func capacity(live int) int {
	need := live + live/2
	if need > 256 {
		return (need + pageUnit - 1) / pageUnit * pageUnit
	}
	slots := minSlots
	for slots < need {
		slots *= 2
	}
	return slots
}

func newPage[M any](first uint64, depth, live int, learns bool) *page[M] {
	slots := min(capacity(live), maxSlots)
	p := &page[M]{
		first: first, depth: depth, patience: never,
		words: make([]word, slots), keys: make([]key, slots), marks: make([]mark, slots),
	}
	for i := range p.words {
		p.words[i].v = vacant
	}
	if learns {
		p.rhythms = newRhythms(slots)
	}
	return p
}

// limit is how many slots may be taken: the free ones end every search, one of an
// unknown host after 13 slots on average when the limit is reached (Knuth, The Art of
// Computer Programming, 6.4).
func (p *page[M]) limit() int { return len(p.words) * 4 / 5 }

// width is the number of slots in units of 128, rounded up.
func (p *page[M]) width() int { return (len(p.words) + pageUnit - 1) / pageUnit }

// last is the highest hash.
func (p *page[M]) last() uint64 { return p.first | (1<<63>>p.depth<<1 - 1) }

// slot is where the search for h begins.
func (p *page[M]) slot(h hash) int {
	return int(uint64(uint32(h)) * uint64(len(p.keys)) >> 32)
}

// seek returns the first slot from i on that has this hash, and whose life is there; or
// -1. Of two lives with one id it finds the older until that is over: newer ones lie
// further on.
func (p *page[M]) seek(h hash, i int) int {
	for keys := p.keys; ; i++ {
		if i >= len(keys) {
			i = 0
		}
		switch keys[i].load() {
		case h:
			if p.words[i].there() {
				return i
			}
		case 0:
			return -1
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

// arrivals yields the lives that are there in the order of their records, which is
// that of memory.
func (p *page[M]) arrivals() iter.Seq[life[M]] {
	return func(yield func(life[M]) bool) {
		slots := make([]uint16, p.records) // plus 1; 0: over
		for l := range p.lives() {
			slots[l.recordNo()] = uint16(l.slot + 1)
		}
		for _, i := range slots {
			if i > 0 && !yield(life[M]{p, int(i) - 1}) {
				return
			}
		}
	}
}

// seat takes the first free slot for h. The caller fills it in, and then publishes
// it.
func (p *page[M]) seat(h hash) life[M] {
	i := p.slot(h)
	for p.keys[i].hash != 0 {
		if i++; i == len(p.keys) {
			i = 0
		}
	}
	p.used++
	p.live++
	return life[M]{p, i}
}

// take takes a slot and a record.
func (p *page[M]) take(h hash, t *terms) life[M] {
	l := p.seat(h)
	l.key().rest = p.newRecord() | uint64(t.interval)
	l.setTerms(t)
	return l
}

// newRecord takes the next record, and returns its number as it stands in a key.
func (p *page[M]) newRecord() uint64 {
	if p.records%chunkSize == 0 {
		p.chunks = append(p.chunks, newChunk[M]())
	}
	if isLarge[M]() {
		p.large = append(p.large, nil) // see life.store
	}
	p.records++
	return uint64(p.records-1) << intervalBits
}

// tellApart makes a life that is about to be published, and others with its hash, twins.
func (p *page[M]) tellApart(l life[M], h hash) {
	for i := p.seek(h, p.slot(h)); i >= 0; i = p.seek(h, i+1) {
		if other := (life[M]{p, i}); other.id() != l.id() {
			other.key().setTwin()
			l.key().setTwin()
		}
	}
}

// copy takes over a life from another page.
func (p *page[M]) copy(from life[M]) life[M] {
	l := p.reseat(from)
	l.key().rest = l.key().rest&^recordBits | p.newRecord()
	l.setTerms(from.terms())
	a, i := l.rest()
	b, j := from.rest()
	a.records[i] = b.records[j]
	if isLarge[M]() {
		p.large[l.recordNo()] = from.page.large[from.recordNo()]
	} else {
		a.metadata[i] = b.metadata[j]
	}
	if int(a.records[i].size) > len(a.records[i].id) {
		l.setID(from.id())
	}
	if h, held := from.held(); held {
		l.setHold(h)
	}
	return l
}

// adopt makes p, which is empty, the owner of the other's records: they stay where
// they are.
func (p *page[M]) adopt(other *page[M]) {
	p.chunks, p.large, p.long, p.records = other.chunks, other.large, other.long, other.records
	p.terms, p.patience, p.holds = other.terms, other.patience, other.holds
}

// reseat takes over a life whose record was adopted.
func (p *page[M]) reseat(from life[M]) life[M] {
	l := p.seat(from.key().hash)
	*l.mark() = *from.mark()
	*l.key() = *from.key()
	l.word().v = from.word().load()
	if p.rhythms != nil {
		p.rhythms.list[l.slot] = from.page.rhythms.list[from.slot] // which has moved
	}
	return l
}

// soonest lists what terms.soonest says for each of the page's terms, of one that
// is not suspect and of one that is.
func (p *page[M]) soonest() []int64 {
	list := make([]int64, 0, 2*len(p.terms)+2)
	for _, t := range p.terms {
		list = append(list, t.soonest(false), t.soonest(true))
	}
	return append(list, 0, 0) // a page without any: its slots are vacant, or over
}

// earliest is no later than what soonest says of any life. It follows from who was heard
// first, so that nothing but words is read.
func (p *page[M]) earliest() int64 { return seenIn(first(p.words)) + p.patience }

// judgeBy adds terms, and returns their number.
func (p *page[M]) judgeBy(t *terms) uint16 {
	p.terms = append(p.terms, t)
	p.patience = min(p.patience, t.soonest(false))
	return uint16(len(p.terms) - 1)
}

// sortOut drops the terms that nobody is judged by any more.
func (p *page[M]) sortOut() {
	old := p.terms
	p.terms, p.patience = nil, never
	moved := make(map[uint16]uint16)
	for l := range p.lives() {
		from := l.mark().terms
		to, ok := moved[from]
		if !ok {
			to = p.judgeBy(old[from])
			moved[from] = to
		}
		l.mark().terms = to
	}
}

// drop forgets a life whose word is over. Its slot stays taken until the page is
// rebuilt, and its record until then or until nobody is left. Its mark names no terms any
// more, for those may be sorted out, though nobody reads the mark of a life that is over.
func (p *page[M]) drop(l life[M]) {
	if isLarge[M]() {
		p.large[l.recordNo()] = nil
	} else {
		var none M
		c, i := l.rest()
		c.metadata[i] = none
	}
	*l.mark() = mark{}
	if p.long != nil {
		delete(p.long, l.recordNo())
	}
	if p.live--; p.live == 0 {
		p.chunks, p.large, p.records, p.long = nil, nil, 0, nil
		p.terms, p.patience = nil, never
	}
}

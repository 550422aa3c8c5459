package index

import (
	"iter"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

const (
	minSlots  = 16
	maxSlots  = 2048 // a bucket that needs more is split
	slotUnit  = 128  // the slots of a large bucket are a multiple of this
	splitBits = 2    // into four buckets: hosts are moved less often than with two
)

// A bucket has the entries with hashes that begin with the same bits. It is a hash table with open
// addressing and linear probing, and also the unit of a sweep's work.
//
// A heartbeat reads and writes only words and headers (and arrivals, if a policy uses the history):
// one cache line of each. Both addresses follow from the hash alone, so the processor fetches both
// lines at the same time. Everything else is guarded by the lock. It lies in blocks in the order of
// joining, and the record's number in the slot leads to it.
//
// Of the data for each host, only the embedder's values contain pointers, so the garbage collector
// has little to scan.
type bucket struct {
	words    []contactWord
	headers  []slotHeader
	arrivals *arrivals // nil if no policy uses the history

	// Guarded by the lock. What most steps of a sweep need comes first.
	minTimeout int64 // the least MinTimeout of all timeouts
	live       int   // entries
	depth      int   // how many leading bits all hashes share; never changes
	rank       int   // in the deadline heap
	held       int   // entries that are held

	first    uint64 // the lowest hash that belongs here; never changes
	metas    []slotMeta
	zones    bucketZones
	timeouts []*detector.Timeouts // of the entries; it only grows until sortTimeouts
	used     int                  // slots that are not free

	values  *Values
	blocks  []block
	records int               // number of records taken so far
	longIDs map[uint16]string // ids too long for a record, by its number
}

// capacity returns how many slots a bucket for so many entries has: at most two thirds of them are
// used at first. Large buckets have a multiple of 128 slots, so their arrays fit the size classes
// of the allocator, or nearly.
func capacity(live int) int {
	need := live + live/2
	if need > 256 {
		return (need + slotUnit - 1) / slotUnit * slotUnit
	}
	slots := minSlots
	for slots < need {
		slots *= 2
	}
	return slots
}

func (x *Index) newBucket(first uint64, depth, live int) *bucket {
	slots := min(capacity(live), maxSlots)
	b := &bucket{
		first: first, depth: depth, minTimeout: never, values: &x.values,
		words: make([]contactWord, slots), headers: make([]slotHeader, slots), metas: make([]slotMeta, slots),
	}
	for i := range b.words {
		b.words[i].v = vacant
	}
	if x.learns {
		b.arrivals = newArrivals(slots)
	}
	return b
}

// limit returns how many slots may be used. Free slots end every search: at the limit, the search
// for an unknown host takes 13 slots on average (Knuth, The Art of Computer Programming, 6.4).
func (b *bucket) limit() int { return len(b.words) * 4 / 5 }

// units returns the number of slots in units of 128, rounded up.
func (b *bucket) units() int { return (len(b.words) + slotUnit - 1) / slotUnit }

// last returns the highest hash that belongs here.
func (b *bucket) last() uint64 { return b.first | (1<<63>>b.depth<<1 - 1) }

// slot returns where the search for h begins.
func (b *bucket) slot(h Hash) int {
	return int(uint64(uint32(h)) * uint64(len(b.headers)) >> 32)
}

// seek returns the first slot from i on with this hash and a live registration, or -1. Of two
// registrations of one id it finds the older one until that has ended: newer ones lie further on.
func (b *bucket) seek(h Hash, i int) int {
	for headers := b.headers; ; i++ {
		if i >= len(headers) {
			i = 0
		}
		switch headers[i].loadHash() {
		case h:
			if b.words[i].live() {
				return i
			}
		case 0:
			return -1
		}
	}
}

// entries yields the live entries.
func (b *bucket) entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for i := range b.words {
			if b.words[i].live() && !yield(Entry{b, i}) {
				return
			}
		}
	}
}

// inRecordOrder yields the live entries in the order of their records, which is their order in
// memory.
func (b *bucket) inRecordOrder() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		slots := make([]uint16, b.records) // slot + 1; 0: the registration has ended
		for e := range b.entries() {
			slots[e.header().recordNumber()] = uint16(e.slot + 1)
		}
		for _, i := range slots {
			if i > 0 && !yield(Entry{b, int(i) - 1}) {
				return
			}
		}
	}
}

// insertSlot takes the first free slot for h. The caller fills it in and then publishes it.
func (b *bucket) insertSlot(h Hash) Entry {
	i := b.slot(h)
	for b.headers[i].hash != 0 {
		if i++; i == len(b.headers) {
			i = 0
		}
	}
	b.used++
	b.live++
	return Entry{b, i}
}

// markCollisions marks an entry that is about to be published, and the entries of other ids with
// its hash, if there are any.
func (b *bucket) markCollisions(e Entry, h Hash) {
	for i := b.seek(h, b.slot(h)); i >= 0; i = b.seek(h, i+1) {
		if other := (Entry{b, i}); other.ID() != e.ID() {
			other.header().setCollides()
			e.header().setCollides()
		}
	}
}

// remove removes an entry of which the registration has ended. Its slot stays used until the bucket
// is rebuilt, and its record until then or until the bucket is empty. Its meta stays, but is not
// read any more.
func (b *bucket) remove(e Entry) {
	e.SetHeld(false)
	if b.longIDs != nil {
		delete(b.longIDs, e.header().recordNumber())
	}
	if b.live--; b.live == 0 {
		b.blocks, b.records, b.longIDs = nil, 0, nil
		b.timeouts, b.minTimeout = nil, never
		b.zones.drop(^ZoneSet(0))
	}
}

package index

import "slices"

// Reserve makes sure that Insert finds a free slot for h. It may move entries: an Entry that was
// found before is not valid afterwards.
func (x *Index) Reserve(h Hash) {
	for {
		b := x.bucket(h)
		if b.used < b.limit() {
			return
		}
		depth := b.depth
		if capacity(b.live+1) > maxSlots {
			depth += splitBits
		}
		x.rebuild(depth, b)
	}
}

// Shrink releases memory of the bucket that the entry is or was in, if enough of the bucket is
// empty. It may move entries, like Reserve.
func (x *Index) Shrink(e Entry) { x.shrink(e.bucket) }

func (x *Index) shrink(b *bucket) {
	if b.live >= len(b.words)/4 || len(b.words) == minSlots && b.depth == 0 {
		return
	}
	for b.depth > 0 {
		siblings, live := x.siblings(b)
		if len(siblings) < 1<<splitBits || live > maxSlots/4 {
			break
		}
		x.rebuild(b.depth-splitBits, siblings...)
		b = x.bucket(Hash(b.first))
	}
	if b.live < len(b.words)/4 && len(b.words) > minSlots {
		x.rebuild(b.depth, b)
	}
}

// siblings returns the buckets that were split from the same bucket as b, with b but without those
// that were split again; and the number of their entries.
func (x *Index) siblings(b *bucket) (siblings []*bucket, live int) {
	first := b.first &^ ((1<<splitBits - 1) << (64 - b.depth))
	for i := range uint64(1 << splitBits) {
		if s := x.bucket(Hash(first | i<<(64-b.depth))); s.depth == b.depth {
			siblings, live = append(siblings, s), live+s.live
		}
	}
	return siblings, live
}

// A move is one registration on its way to a new bucket.
type move struct{ from, to *contactWord }

// rebuild replaces old buckets by new ones of the given depth: one by one of the same depth, one by
// four that are deeper, or siblings by one that is less deep.
//
// The order makes sure that no contact is lost (promise 1: see contactWord). First the old arrivals
// stop changing. Then everything is copied. Then the directory leads to the copies. Only then does
// each old word end, and a contact since the copy is carried over.
func (x *Index) rebuild(depth int, old ...*bucket) {
	for _, b := range old {
		b.arrivals.close()
	}
	fresh := x.makeBuckets(depth, old)
	var moves []move
	if b := old[0]; len(old) == 1 && len(fresh) == 1 && b.live >= b.records/8*7 {
		moves = b.moveSlots(fresh[0])
	} else {
		for _, b := range old {
			moves = b.moveEntries(fresh, moves)
		}
	}
	x.replace(old, fresh)
	for _, m := range moves {
		m.to.touch(m.from.end())
	}
}

// makeBuckets makes the empty buckets that rebuild fills.
func (x *Index) makeBuckets(depth int, old []*bucket) []*bucket {
	live, first := 0, old[0].first
	for _, b := range old {
		live += b.live
		first = min(first, b.first)
	}
	// If there are four parts of 1365 entries or more, each has at least 512 slots. That one gets
	// more entries than that has a chance below 1e-20.
	parts := 1 << max(0, depth-old[0].depth)
	fresh := make([]*bucket, parts)
	for i := range fresh {
		fresh[i] = x.newBucket(first|uint64(i)<<(64-depth), depth, live/parts)
	}
	return fresh
}

// replace makes the directory lead to the fresh buckets. They are due as early as the old ones.
func (x *Index) replace(old, fresh []*bucket) {
	due := never
	for _, b := range old {
		due = min(due, x.deadlines.due(b))
	}
	for _, b := range fresh {
		x.point(b)
		x.addBucket(b, due)
	}
	for _, b := range old {
		x.removeBucket(b)
	}
	x.shrinkDirectory()
}

// moveSlots moves the entries of a bucket that only grows: their records stay where they are.
func (b *bucket) moveSlots(fresh *bucket) []move {
	moves := make([]move, 0, b.live)
	fresh.takeRecords(b)
	for e := range b.entries() {
		moves = append(moves, move{e.word(), fresh.moveSlot(e).word()})
	}
	return moves
}

// moveEntries moves the entries of a bucket with their records.
func (b *bucket) moveEntries(fresh []*bucket, moves []move) []move {
	moves = slices.Grow(moves, b.live)
	for e := range b.inRecordOrder() {
		to := fresh[int(e.header().hash>>(64-fresh[0].depth))&(len(fresh)-1)]
		moves = append(moves, move{e.word(), to.moveEntry(e).word()})
	}
	return moves
}

// moveEntry copies an entry of another bucket with its record.
func (b *bucket) moveEntry(from Entry) Entry {
	e := b.moveSlot(from)
	s := e.header()
	s.packed = s.packed&^recordMask | b.addRecord()
	e.setTimeouts(from.Timeouts())
	*e.record() = *from.record()
	to, i := e.Value()
	source, j := from.Value()
	b.values.Move(to, i, source, j)
	if e.record().isLong() {
		e.setID(from.ID())
	}
	return e
}

// takeRecords makes b, which is empty, the owner of the records of the other bucket.
func (b *bucket) takeRecords(other *bucket) {
	b.blocks, b.longIDs, b.records = other.blocks, other.longIDs, other.records
	b.timeouts, b.minTimeout = other.timeouts, other.minTimeout
}

// moveSlot copies a slot of another bucket. The arrivals of that bucket are marked as moved.
func (b *bucket) moveSlot(from Entry) Entry {
	e := b.insertSlot(from.header().hash)
	*e.meta() = *from.meta()
	b.zones.add(e.Zone())
	*e.header() = *from.header()
	e.word().v = from.word().load()
	if e.Held() {
		b.held++
	}
	if b.arrivals != nil {
		b.arrivals.list[e.slot] = from.bucket.arrivals.list[from.slot]
	}
	return e
}

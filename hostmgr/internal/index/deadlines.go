package index

// A deadlineHeap has all buckets, the one that is due first on top. It knows of each bucket the
// earliest moment at which one of its entries may need to be checked. That moment is never too late
// but may be too early: a heartbeat does not change it, and a sweep that checks a bucket for nothing
// computes it again. So a heartbeat costs the heap nothing, and a sweep costs what is due, not what
// exists.
//
// It is a heap of four children each (D. B. Johnson, 1975), half as deep as one of two: what a sweep
// pays for is every bucket that moves, for the bucket is told its rank.
//
// Guarded by the lock.
type deadlineHeap []item

// An item is a bucket, and when it is due.
type item struct {
	due    int64 // no entry of the bucket needs to be checked before
	bucket *bucket
}

// next is when the first bucket is due.
func (h deadlineHeap) next() int64 { return h[0].due }

func (h deadlineHeap) due(b *bucket) int64 { return h[b.rank].due }

func (h deadlineHeap) set(b *bucket, due int64) { h.fix(b.rank, item{due, b}) }

// lower makes sure that a bucket is due no later than at a time.
func (h deadlineHeap) lower(b *bucket, due int64) {
	if due < h.due(b) {
		h.set(b, due)
	}
}

// lowerHeld does so for all buckets with entries that are held. A bucket that moves up changes
// places only with buckets that the loop has passed.
func (h deadlineHeap) lowerHeld(due int64) {
	for i := range h {
		if b := h[i].bucket; b.held > 0 {
			h.lower(b, due)
		}
	}
}

// dueBuckets names the buckets that are due at now, by the lowest of their hashes.
func (h deadlineHeap) dueBuckets(now int64) (due []Hash) {
	for at := []int{0}; len(at) > 0; {
		i := at[len(at)-1]
		at = at[:len(at)-1]
		if i >= len(h) || h[i].due > now {
			continue // nor is any below it
		}
		due = append(due, Hash(h[i].bucket.first))
		at = append(at, 4*i+1, 4*i+2, 4*i+3, 4*i+4)
	}
	return due
}

func (h *deadlineHeap) add(b *bucket, due int64) {
	it := item{due, b}
	*h = append(*h, it)
	h.fix(len(*h)-1, it)
}

func (h *deadlineHeap) remove(b *bucket) {
	last := len(*h) - 1
	it := (*h)[last]
	(*h)[last] = item{}
	*h = (*h)[:last]
	if it.bucket != b {
		h.fix(b.rank, it)
	}
}

// fix finds a place for an item, from i on, which is free: further up, or else further down.
func (h deadlineHeap) fix(i int, it item) {
	for i > 0 && it.due < h[(i-1)/4].due {
		i = h.shift((i-1)/4, i)
	}
	for {
		least := h.leastChild(i)
		if least < 0 || h[least].due >= it.due {
			break
		}
		i = h.shift(least, i)
	}
	h[i] = it
	it.bucket.rank = i
}

// shift moves an item, and returns where it was.
func (h deadlineHeap) shift(from, to int) int {
	h[to] = h[from]
	h[to].bucket.rank = to
	return from
}

// leastChild is the child of i that is due first, or -1.
func (h deadlineHeap) leastChild(i int) int {
	least := 4*i + 1
	if least >= len(h) {
		return -1
	}
	for c := least + 1; c < min(4*i+5, len(h)); c++ {
		if h[c].due < h[least].due {
			least = c
		}
	}
	return least
}

// NextDeadline returns when SweepNext has work: no host needs to be checked before.
func (x *Index) NextDeadline() int64 { return x.deadlines.next() }

// Lower makes sure that the entry is checked by the first sweep from a time on.
func (x *Index) Lower(e Entry, at int64) { x.deadlines.lower(e.bucket, at) }

// LowerHeld does so for all entries that are held.
func (x *Index) LowerHeld(at int64) { x.deadlines.lowerHeld(at) }

// DueBuckets returns the buckets that SweepNext would check at now, each by a hash for MayBeDue.
func (x *Index) DueBuckets(now int64) []Hash { return x.deadlines.dueBuckets(now) }

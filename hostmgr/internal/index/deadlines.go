package index

// A deadlineHeap has all buckets, with the one that is due first on top. For each bucket it knows
// the earliest time at which one of its entries may need a check. That time is never too late but
// may be too early: a heartbeat does not change it, and a sweep that checks a bucket for nothing
// computes it again. So a heartbeat does not touch the heap, and the cost of a sweep depends on
// what is due, not on the number of hosts.
//
// It is a heap with four children of each node (D. B. Johnson, 1975), half as deep as one with two.
// A sweep pays for each bucket that moves, because the bucket stores its rank.
//
// The lock guards it.
type deadlineHeap []item

// An item is a bucket, and when it is due.
type item struct {
	due    int64 // no entry of the bucket needs a check before
	bucket *bucket
}

// next returns when the first bucket is due.
func (h deadlineHeap) next() int64 { return h[0].due }

func (h deadlineHeap) due(b *bucket) int64 { return h[b.rank].due }

func (h deadlineHeap) set(b *bucket, due int64) { h.fix(b.rank, item{due, b}) }

// lower makes sure that a bucket is due no later than at due.
func (h deadlineHeap) lower(b *bucket, due int64) {
	if due < h.due(b) {
		h.set(b, due)
	}
}

// lowerHeld is lower for all buckets with held entries. A bucket that moves up changes places only
// with buckets that the loop has passed.
func (h deadlineHeap) lowerHeld(due int64) {
	for i := range h {
		if b := h[i].bucket; b.held > 0 {
			h.lower(b, due)
		}
	}
}

// dueBuckets returns the buckets that are due at now, each by its lowest hash.
func (h deadlineHeap) dueBuckets(now int64) (due []Hash) {
	for at := []int{0}; len(at) > 0; {
		i := at[len(at)-1]
		at = at[:len(at)-1]
		if i >= len(h) || h[i].due > now {
			continue // its children are not due either
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

// fix finds a place for an item, starting at the free place i and going up, or else down.
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

// shift moves an item to the free place to, and returns the place that is free then.
func (h deadlineHeap) shift(from, to int) int {
	h[to] = h[from]
	h[to].bucket.rank = to
	return from
}

// leastChild returns the child of i that is due first, or -1.
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

// NextDeadline returns when SweepNext next has work: no host needs a check before.
func (x *Index) NextDeadline() int64 { return x.deadlines.next() }

// Lower makes sure that the first sweep at or after a time checks the entry.
func (x *Index) Lower(e Entry, at int64) { x.deadlines.lower(e.bucket, at) }

// LowerHeld is Lower for all held entries.
func (x *Index) LowerHeld(at int64) { x.deadlines.lowerHeld(at) }

// DueBuckets returns the buckets that SweepNext would check at now, each by a hash for MayBeDue.
func (x *Index) DueBuckets(now int64) []Hash { return x.deadlines.dueBuckets(now) }

package index

import "container/heap"

// A deadlineHeap has all buckets, with the one that is due first on top. For each bucket it knows
// the earliest time at which one of its entries may need a check. That time is never too late but
// may be too early: a heartbeat does not change it, and a sweep that checks a bucket for nothing
// computes it again. So a heartbeat does not touch the heap, and the cost of a sweep depends on
// what is due, not on the number of hosts.
//
// It is a container/heap: each bucket stores its rank. The lock guards it.
type deadlineHeap []item

// An item is a bucket, and when it is due.
type item struct {
	due    int64 // no entry of the bucket needs a check before
	bucket *bucket
}

// next returns when the first bucket is due.
func (h deadlineHeap) next() int64 { return h[0].due }

func (h deadlineHeap) due(b *bucket) int64 { return h[b.rank].due }

func (h *deadlineHeap) set(b *bucket, due int64) {
	(*h)[b.rank].due = due
	heap.Fix(h, b.rank)
}

// lower makes sure that a bucket is due no later than at due.
func (h *deadlineHeap) lower(b *bucket, due int64) {
	if due < h.due(b) {
		h.set(b, due)
	}
}

// lowerHeld is lower for all buckets with held entries. A bucket that moves up changes places only
// with buckets that the loop has passed.
func (h *deadlineHeap) lowerHeld(due int64) {
	for i := range *h {
		if b := (*h)[i].bucket; b.held > 0 {
			h.lower(b, due)
		}
	}
}

// lowerAll is lower for all buckets.
func (h *deadlineHeap) lowerAll(due int64) {
	for i := range *h {
		h.lower((*h)[i].bucket, due)
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
		at = append(at, 2*i+1, 2*i+2)
	}
	return due
}

func (h *deadlineHeap) add(b *bucket, due int64) { heap.Push(h, item{due, b}) }

func (h *deadlineHeap) remove(b *bucket) { heap.Remove(h, b.rank) }

// Len, Less, Swap, Push and Pop implement heap.Interface.

func (h deadlineHeap) Len() int { return len(h) }

func (h deadlineHeap) Less(i, j int) bool { return h[i].due < h[j].due }

func (h deadlineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].bucket.rank, h[j].bucket.rank = i, j
}

func (h *deadlineHeap) Push(x any) {
	it := x.(item)
	it.bucket.rank = len(*h)
	*h = append(*h, it)
}

func (h *deadlineHeap) Pop() any {
	last := len(*h) - 1
	it := (*h)[last]
	(*h)[last] = item{}
	*h = (*h)[:last]
	return it
}

// NextDeadline returns when SweepNext next has work: no host needs a check before.
func (x *Index) NextDeadline() int64 { return x.deadlines.next() }

// Lower makes sure that the first sweep at or after a time checks the entry.
func (x *Index) Lower(e Entry, at int64) { x.deadlines.lower(e.bucket, at) }

// LowerHeld is Lower for all held entries.
func (x *Index) LowerHeld(at int64) { x.deadlines.lowerHeld(at) }

// LowerAll is Lower for all entries.
func (x *Index) LowerAll(at int64) { x.deadlines.lowerAll(at) }

// DueBuckets returns the buckets that SweepNext would check at now, each by a hash for MayBeDue.
func (x *Index) DueBuckets(now int64) []Hash { return x.deadlines.dueBuckets(now) }

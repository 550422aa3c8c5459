package hostmgr

import "slices"

// A ring has the latest items.
type ring[T any] struct {
	items []T
	next  int // how many were pushed: number n is at n % the size
}

// push adds an item, in place of the oldest one if there are size items.
func (r *ring[T]) push(x T, size int) {
	if len(r.items) < size {
		r.items = append(r.items, x)
	} else {
		r.items[r.next%size] = x
	}
	r.next++
}

// list returns a copy of the items, the oldest first.
func (r *ring[T]) list() []T {
	if r.next == len(r.items) {
		return slices.Clone(r.items)
	}
	at := r.next % len(r.items)
	return slices.Concat(r.items[at:], r.items[:at])
}

// last returns the latest item. There must be one.
func (r *ring[T]) last() *T { return &r.items[(r.next-1)%len(r.items)] }

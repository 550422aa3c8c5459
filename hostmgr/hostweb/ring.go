package hostweb

// A ring keeps the latest items. Items are numbered from 0.
type ring[T any] struct {
	items []T
	next  uint64 // the number of the next item, which is how many were pushed
}

// push adds an item, and drops the oldest one if there are size items.
func (r *ring[T]) push(item T, size int) {
	if len(r.items) < size {
		r.items = append(r.items, item)
	} else {
		r.items[r.next%uint64(size)] = item
	}
	r.next++
}

// since returns a copy of the items from number n on that are still there.
func (r *ring[T]) since(n uint64) []T {
	size := uint64(len(r.items))
	list := []T{}
	for n = max(n, r.next-size); n < r.next; n++ {
		list = append(list, r.items[n%size])
	}
	return list
}

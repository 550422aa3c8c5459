package hostweb

// A ring keeps the latest items, each of which has a number, from 0.
type ring[T any] struct {
	items []T
	next  uint64 // the number of the item that comes next, which is how many there were
}

// push adds an item to a ring of at most size.
func (r *ring[T]) push(item T, size int) {
	if len(r.items) < size {
		r.items = append(r.items, item)
	} else {
		r.items[r.next%uint64(size)] = item
	}
	r.next++
}

// since returns a copy of what has a number of n or more, as far as it is still there.
func (r *ring[T]) since(n uint64) []T {
	size := uint64(len(r.items))
	list := []T{}
	for n = max(n, r.next-size); n < r.next; n++ {
		list = append(list, r.items[n%size])
	}
	return list
}

package hostmgr

import (
	"iter"
	"slices"
)

// Get returns the host as it is now, or false if it is not there. It allocates
// nothing.
func (r *Registry[M]) Get(id string) (h Host[M], ok bool) {
	place := r.table.hash(id)
	now := r.rlock()
	defer r.mu.RUnlock()
	l, ok := r.table.exactly(place, id)
	if ok {
		r.snapshot(&h, l, id, now)
	}
	return h, ok
}

// Len is the number of hosts that are there, in O(1).
func (r *Registry[M]) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.zones.all.hosts
}

// All yields every host that is there when the loop begins and still there when
// its turn comes, in no particular order, each as it is then; of those that join
// meanwhile it yields some. The loop body may call the registry.
func (r *Registry[M]) All() iter.Seq[Host[M]] {
	return func(yield func(Host[M]) bool) {
		var hosts []Host[M]
		for c := (cursor{}); !c.done; {
			hosts, _ = r.advance(&c, hosts[:0])
			for _, h := range hosts {
				if !yield(h) {
					return
				}
			}
		}
	}
}

// A cursor goes through all hosts in the order of their hashes, a page at a time.
// Pages may be rebuilt meanwhile: a host's hash does not change, so none is passed
// by, or met twice.
type cursor struct {
	next uint64 // the lowest hash that is still ahead
	done bool
}

// pass moves the cursor on, behind the highest hash of a page.
func (c *cursor) pass(last uint64) {
	c.next = last + 1
	c.done = c.next == 0
}

// passed tells whether the cursor has been at l. The page says so, unless it was
// put together from one that is passed and one that is not.
func (r *Registry[M]) passed(c *cursor, l life[M]) bool {
	switch p := l.page; {
	case c.done || p.last() < c.next:
		return true
	case p.first >= c.next:
		return false
	default:
		return uint64(l.key().hash) < c.next
	}
}

// advance appends what the hosts of the next page are now, and returns the number
// of the latest event.
func (r *Registry[M]) advance(c *cursor, to []Host[M]) ([]Host[M], uint64) {
	now := r.rlock()
	defer r.mu.RUnlock()
	p := r.table.page(hash(c.next))
	to = slices.Grow(to, p.live)
	for l := range p.lives() {
		if !r.passed(c, l) {
			to = append(to, Host[M]{})
			r.show(&to[len(to)-1], l, now)
		}
	}
	c.pass(p.last())
	return to, r.seq
}

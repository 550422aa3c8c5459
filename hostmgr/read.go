package hostmgr

import (
	"iter"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Get returns the host as it is now, or false if it is not registered. It does not allocate. If M
// has pointers, maps or slices, what they refer to must not be modified: use Update.
//
// The state is computed from the clock at the call, but only a sweep evicts. Until then a host that
// is StateOffline is registered: Len counts it, a contact saves it, and Leave ends it as
// DepartureLeft.
func (r *Registry[M]) Get(id string) (h Host[M], ok bool) {
	hash := r.index.Hash(id)
	s, now := r.rlock()
	defer r.mu.RUnlock()
	e, ok := s.index.Lookup(hash, id)
	if ok {
		s.snapshot(&h, e, id, now)
	}
	return h, ok
}

// Len returns the number of registered hosts, in constant time.
func (r *Registry[M]) Len() int {
	v := r.peek()
	defer r.mu.RUnlock()
	return v.limiter.Hosts()
}

// All yields all hosts in no particular order, each as it is when its turn comes. It yields each
// host that is registered from the beginning of the loop to its turn, and some of the hosts that
// join meanwhile. The loop body may call the registry.
func (r *Registry[M]) All() iter.Seq[Host[M]] {
	return func(yield func(Host[M]) bool) {
		var hosts []Host[M]
		for c := (index.Cursor{}); !c.Done(); {
			hosts, _ = r.advance(&c, hosts[:0])
			for _, h := range hosts {
				if !yield(h) {
					return
				}
			}
		}
	}
}

// advance appends snapshots of the hosts in the next bucket, and returns the number of the latest
// event.
func (r *Registry[M]) advance(c *index.Cursor, to []Host[M]) ([]Host[M], uint64) {
	s, now := r.rlock()
	defer r.mu.RUnlock()
	to = slices.Grow(to, s.index.Ahead(c))
	s.index.Advance(c, func(e index.Entry) {
		to = append(to, Host[M]{})
		s.ownSnapshot(&to[len(to)-1], e, now)
	})
	return to, s.seq
}

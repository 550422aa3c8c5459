package hostmgr

import (
	"iter"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Metadata returns the metadata of a host, or false if the host is not registered. It is the
// cheapest look-up: it reads no clock, computes no state and copies nothing else. It does not
// allocate. If M has pointers, maps or slices, what they refer to must not be modified: use Update.
//
// A host that is silent is registered until a sweep evicts it. To see its state, use Get.
func (r *Registry[M]) Metadata(id string) (m M, ok bool) {
	hash := r.index.Hash(id)
	v := r.peek()
	defer r.mu.RUnlock()
	e, ok := v.index.Lookup(hash, id)
	if ok {
		v.metadata.load(e, &m)
	}
	return m, ok
}

// AllMetadata yields the id and the metadata of all hosts. It costs much less than All, and yields
// the same hosts as All. The metadata are those at the host's turn, as Metadata returns them. The
// loop body may call the registry.
//
// Ids are not copied. A kept id holds some 5 kB of memory, which up to 64 ids share, even after its
// host has departed. Keep strings.Clone of the id instead.
func (r *Registry[M]) AllMetadata() iter.Seq2[string, M] {
	return func(yield func(string, M) bool) {
		var p page[M]
		for c := (index.Cursor{}); !c.Done(); {
			p.advance(r, &c)
			for i := range p.hosts {
				if !yield(p.hosts[i].ID, p.metadata[i]) {
					return
				}
			}
		}
	}
}

// A page is the metadata of the hosts in one bucket.
type page[M any] struct {
	hosts    []index.Value // after the lock is released, only their ids may be read
	metadata []M
}

// advance makes p the page of the next bucket.
func (p *page[M]) advance(r *Registry[M], c *index.Cursor) {
	v := r.peek()
	defer r.mu.RUnlock()
	p.hosts = v.index.AdvanceValues(c, slices.Grow(p.hosts[:0], v.index.Ahead(c)))
	p.metadata = slices.Grow(p.metadata[:0], len(p.hosts))[:len(p.hosts)]
	for i := range p.hosts {
		h := &p.hosts[i]
		v.metadata.loadAt(h.Block, h.I, &p.metadata[i])
	}
}

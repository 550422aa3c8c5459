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

// AllMetadata yields the id and the metadata of all hosts. It is All for a caller that needs no
// more of a Host, in a small part of the time: see All for which hosts it yields. The metadata are
// those when the host's turn comes, as Metadata returns them. The loop body may call the registry.
//
// Ids are not copied. An id that is kept keeps some 5 kB of memory, also after its host has
// departed. Up to 64 ids share that. Keep strings.Clone of an id instead.
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
	hosts    []index.Value // only their ids, once the lock is released
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

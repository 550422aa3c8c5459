package measure

import (
	"crypto/rand"
	"encoding/hex"
	mathrand "math/rand/v2"
	"strings"

	"github.com/hostlife/hostlife/benchmarks/internal/peers"
)

const idSize = 64

// ids are random names of hosts. They lie in one string, so that the collector has
// nothing to do for them, and apart from what registries store: an id that comes from
// the network is never the one that was stored.
type ids struct {
	all   string
	n     int
	order []uint32 // in which they register: not that in which they heartbeat
	metas [1024]*peers.Meta
}

func newIDs(n int) *ids {
	d := &ids{n: n, order: make([]uint32, n)}
	var b strings.Builder
	b.Grow(n * idSize)
	raw, text := make([]byte, idSize/2), make([]byte, idSize)
	for i := range n {
		_, _ = rand.Read(raw) // never fails, says its documentation
		hex.Encode(text, raw)
		b.Write(text)
		d.order[i] = uint32(i)
	}
	d.all = b.String()
	mathrand.Shuffle(n, func(i, j int) { d.order[i], d.order[j] = d.order[j], d.order[i] })
	for i := range d.metas {
		d.metas[i] = &peers.Meta{Name: d.id(i % n)}
	}
	return d
}

func (d *ids) id(i int) string        { return d.all[i*idSize : (i+1)*idSize] }
func (d *ids) meta(i int) *peers.Meta { return d.metas[i%len(d.metas)] }
func (d *ids) register(r peers.Registry) {
	for _, i := range d.order {
		r.Announce(strings.Clone(d.id(int(i))), d.meta(int(i)))
	}
}

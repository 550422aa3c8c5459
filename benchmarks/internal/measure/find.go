package measure

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/peers"
)

// find measures look-ups of metadata, one by one and all together.
func (b *bench) find(p peers.Peer, r peers.Registry) error {
	f, ok := r.(peers.Finder)
	if !ok {
		return nil
	}
	if b.wants("metadata") {
		b.step(p.Name, "metadata")
		if err := b.findOne(p, f); err != nil {
			return err
		}
	}
	if b.wants("range_metadata") {
		b.step(p.Name, "range_metadata")
		return b.findAll(p, f)
	}
	return nil
}

// findOne walks through the hosts from a random one on, after a warm-up.
func (b *bench) findOne(p peers.Peer, f peers.Finder) error {
	at, missing := rand.IntN(b.opt.N), 0
	look := func(window time.Duration) (ns float64) {
		const stride = 256 // look-ups between two looks at the clock
		start, found := time.Now(), 0
		for took := time.Duration(0); took < window; took = time.Since(start) {
			for range stride {
				if m, ok := f.Metadata(b.ids.id(at)); !ok || m == nil {
					missing++
				}
				if at++; at == b.opt.N {
					at = 0
				}
			}
			found += stride
		}
		return perOp(time.Since(start), found)
	}
	look(b.window() / 8)
	b.found.add("metadata", p.Name, look(b.window()))
	if missing > 0 {
		return fmt.Errorf("%d look-ups of known hosts found nothing", missing)
	}
	return nil
}

func (b *bench) findAll(p peers.Peer, f peers.Finder) error {
	found := 0
	us := b.repeat(func() {
		found = 0
		f.Range(func(id string, m *peers.Meta) {
			if id != "" && m != nil {
				found++
			}
		})
	})
	if found != b.opt.N {
		return fmt.Errorf("metadata of %d hosts, not %d", found, b.opt.N)
	}
	b.found.add("range_metadata", p.Name, us*1e3/float64(found))
	return nil
}

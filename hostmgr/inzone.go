package hostmgr

import (
	"iter"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// InZone yields all hosts of a zone in no particular order, each as it is when its turn comes. It
// yields each host that is in the zone from the beginning of the loop to its turn, and some of the
// hosts that join the zone meanwhile. The loop body may call the registry. An empty zone means the
// hosts without a zone.
//
// It does not go through all hosts. The registry stores them in tables of up to 2048 places, and
// notes for each table the zones that occur there: 8 bytes a table, and nothing for each host.
// InZone passes over a table without the zone, and reads 4 bytes of each place in the others.
//
// While there are at most 64 zones, the cost depends on the number of hosts in the zone: see
// benchmarks/README.md. Hosts of further zones are noted as one zone: see Announcement.Zone. To
// find hosts of such a zone, InZone looks at all of them, and compares the names of their zones.
func (r *Registry[M]) InZone(zone string) iter.Seq[Host[M]] {
	return func(yield func(Host[M]) bool) {
		var hosts []Host[M]
		for c := (index.Cursor{}); !c.Done(); {
			hosts = r.advanceIn(&c, zone, hosts[:0])
			for i := range hosts {
				if !yield(hosts[i]) {
					return
				}
			}
		}
	}
}

// advanceIn appends snapshots of the hosts of a zone in the next bucket that has any.
func (r *Registry[M]) advanceIn(c *index.Cursor, zone string, to []Host[M]) []Host[M] {
	s, now := r.rlock()
	defer r.mu.RUnlock()
	s.index.AdvanceIn(c, s.zones.numbers(zone), func(e index.Entry) {
		if s.zones.of(e) == zone {
			to = append(to, Host[M]{})
			s.ownSnapshot(&to[len(to)-1], e, now)
		}
	})
	return to
}

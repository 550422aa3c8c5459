package index

import "sync/atomic"

// A ZoneSet is a set of the numbers that Entry.SetZone stores: bit n&63 for number n. So numbers
// that differ by 64 have the same bit.
type ZoneSet uint64

// With returns the set with one more number.
func (z ZoneSet) With(zone uint8) ZoneSet { return z | 1<<(zone&63) }

// bucketZones has the zones of a bucket's entries, and perhaps others: those of entries that have
// departed or moved to another zone. A rebuild leaves these out, and so does AdvanceIn.
//
// The lock guards it. The holder of the lock for writing adds zones; any number of holders for
// reading may drop zones at the same time.
type bucketZones struct{ set atomic.Uint64 }

func (z *bucketZones) add(zone uint8) {
	if set := z.set.Load(); ZoneSet(set).With(zone) != ZoneSet(set) {
		z.set.Store(uint64(ZoneSet(set).With(zone)))
	}
}

func (z *bucketZones) has(zones ZoneSet) bool { return z.set.Load()&uint64(zones) != 0 }

// drop drops zones that no entry has.
func (z *bucketZones) drop(zones ZoneSet) {
	if z.has(zones) {
		z.set.And(^uint64(zones))
	}
}

// skipped is the number of buckets that one AdvanceIn may pass over. It bounds the time for which
// the lock is held.
const skipped = 256

// AdvanceIn is Advance for the entries of the zones in a set, and perhaps of others that have the
// same bits. It passes over buckets without such an entry, at most 256 in one call. If the set is
// empty, the cursor is done. AdvanceIn yields only entries with a zone that SetZone has stored.
func (x *Index) AdvanceIn(c *Cursor, zones ZoneSet, yield func(Entry)) {
	if zones == 0 {
		c.done = true
		return
	}
	for range skipped {
		b := x.bucket(Hash(c.next))
		found := b.zones.has(zones)
		if found {
			b.inZones(zones, c, yield)
		}
		if c.pass(b.last()); found || c.done {
			return
		}
	}
}

// inZones yields the entries of some zones that the cursor has not passed. It reads the metas, of
// which 16 are in a cache line. It drops zones that no entry has: so if hosts leave a zone, only
// the first search for it looks at their bucket in vain.
func (b *bucket) inZones(zones ZoneSet, c *Cursor, yield func(Entry)) {
	var found ZoneSet
	for i := range b.metas {
		zone := b.metas[i].zone
		if zones&ZoneSet(0).With(zone) == 0 || !b.words[i].live() {
			continue
		}
		found = found.With(zone)
		if e := (Entry{b, i}); !c.Passed(e) {
			yield(e)
		}
	}
	b.zones.drop(zones &^ found)
}

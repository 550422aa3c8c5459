package member

import (
	"hash/maphash"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// A hostKey is a hash of the id of a host. The registry has the id, so the core does not keep it.
// Two of a million hosts have one hash with a probability of 1 in 10^17.
type hostKey [3]uint32

func (c *Core) keyOf(id string) hostKey {
	a, b := maphash.String(c.seeds[0], id), maphash.String(c.seeds[1], id)
	return hostKey{uint32(a), uint32(a >> 32), uint32(b)}
}

// An entry is what the core keeps of the record of a host: 20 bytes. It has no uint64, so that it
// and its key take 32 bytes in a map.
type entry struct {
	version packed
	digest  uint32 // of the content
	tag     tag
	keeper  uint8
	flags   uint8
}

type packed [2]uint32

func pack(n uint64) packed      { return packed{uint32(n), uint32(n >> 32)} }
func (p packed) number() uint64 { return uint64(p[0]) | uint64(p[1])<<32 }

const (
	asked uint8 = 1 << iota
	claimed
	suspect
	mirrored // the registry has the registration of the record
	opaque   // the record cannot be read
	evenTurn // as of hosts.even
)

func (e entry) is(flag uint8) bool { return e.flags&flag != 0 }

func (e entry) with(flag uint8, on bool) entry {
	if e.flags &^= flag; on {
		e.flags |= flag
	}
	return e
}

// hosts has an entry for each record of a host.
type hosts struct {
	of    map[hostKey]entry
	even  bool // the turn of the present feed
	stale int  // entries that the present feed has not shown
}

// turn begins another feed, which may show each record again. If the snapshot of the feed before
// was complete, all entries are of its turn. Otherwise they are made so.
func (h *hosts) turn(complete bool) {
	if !complete {
		for k, e := range h.of {
			h.of[k] = e.with(evenTurn, h.even)
		}
	}
	h.even = !h.even
	h.stale = len(h.of)
}

func (h *hosts) isStale(e entry) bool { return e.is(evenTurn) != h.even }

// set stores the entry of a record that the feed has shown.
func (c *Core) set(k hostKey, e entry) {
	was, known := c.hosts.of[k]
	if known {
		c.keepers.kept(was.keeper, -1)
		if c.hosts.isStale(was) {
			c.hosts.stale--
		}
	}
	c.keepers.kept(e.keeper, 1)
	c.hosts.of[k] = e.with(evenTurn, c.hosts.even)
}

// unset forgets the entry of a record that the feed has shown to be deleted.
func (c *Core) unset(k hostKey) {
	delete(c.dueSince, k)
	was, known := c.hosts.of[k]
	if !known {
		return
	}
	c.keepers.kept(was.keeper, -1)
	if c.hosts.isStale(was) {
		c.hosts.stale--
	}
	delete(c.hosts.of, k)
}

// entryOf returns the entry of a record, as if the registry did not have it.
func (c *Core) entryOf(h *record.Host, version uint64) entry {
	e := entry{version: pack(version), digest: c.digest(&h.Content), tag: tagOf(h.Registration), keeper: c.keepers.number(c, h.Keeper)}
	return e.with(asked, h.Asked).with(claimed, h.Claimed).with(suspect, h.Suspect)
}

// A tag tells two registrations of one host apart. Registries keep their numbers apart by multiples
// of 2^32, so all bits of a number must matter.
type tag uint32

func tagOf(registration uint64) tag {
	return tag(registration * 0x9e3779b97f4a7c15 >> 32) // Fibonacci hashing
}

// digest tells two contents of one host apart.
func (c *Core) digest(x *record.Content) uint32 {
	var h maphash.Hash
	h.SetSeed(c.seeds[0])
	maphash.WriteComparable(&h, struct {
		incarnation, interval uint64
		assigned, none        bool
		zone                  string
	}{x.Incarnation, x.Interval, x.Assigned, x.NoMetadata, x.Zone})
	_, _ = h.Write(x.Metadata)
	return uint32(h.Sum64())
}

// orphan gives the hosts that this member keeps to a dead keeper: its own former id.
func (c *Core) orphan(former string) {
	n := c.keepers.number(c, former)
	c.keepers.slots[n].live, c.keepers.slots[n].own = n == Crowd, n != Crowd
	for k, e := range c.hosts.of {
		if e.keeper == 0 {
			c.keepers.kept(0, -1)
			c.keepers.kept(n, 1)
			e.keeper = n
			c.hosts.of[k] = e
		}
	}
	c.search.died()
}

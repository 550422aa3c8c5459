package member

// Counts are totals since New.
type Counts struct {
	Names, Buried, Burials, Renewals, Syncs, Losses uint64
	Batches, Writes, Conflicts, Unclear             uint64
	Asked, Settled, Inherited, Revived, TakenOver   uint64
	Malformed, Skipped, Strays, Clones              uint64
	Cleanups, FailedCleanups                        uint64
}

// A Peer is a member as this one sees it.
type Peer struct {
	ID, Name string
	Seen     int64 // when its record was last seen to change
	Self     bool
	Read     uint64
	Keeper   uint8 // its number as a keeper
	Kept     int   // hosts
}

// Stats is a snapshot of a Core.
type Stats struct {
	Counts
	ID             string
	Synced, Member bool
	Peers          []Peer
	Slowest        string // the member with the lowest read mark, while own questions wait for it
	Quiet          int64  // it asks no question before
	Removed        int64  // when a member was last removed; 0: never
	OldestDebt     int64  // when this member first saw it; 0: there is none
	Kept, Mirrored int
	Orphans        int
	Unmirrored     int   // records that the registry does not have as they are
	Asking         int   // own questions that wait to be read
	Pending        int   // hosts with local changes that are not in the table
	Debts          int   // shared cleanups that are owed by all members
	Cleaning       int   // that run here
	Matters        int   // hosts that there is, or may be, something to do about
	Appointments   int   // hosts and debts that are to be looked at later
	Echo           int64 // when an own renewal last came back
	Sent           int64 // when that was sent
	Revision       uint64
	Epoch          string
}

// Stats returns a snapshot.
func (c *Core) Stats() Stats {
	s := Stats{
		Counts: c.counts, ID: c.self.id, Synced: c.synced, Member: c.self.member, Kept: c.keepers.slots[0].hosts,
		Orphans: c.keepers.orphans(), Unmirrored: len(c.aside), Asking: len(c.asked), Pending: c.Pending(),
		Debts: len(c.debts.of), Cleaning: c.debts.running, Matters: len(c.matters), Appointments: len(c.agenda.items), Echo: c.self.echo, Sent: c.self.from,
		Revision: c.reader.Latest().Revision, Epoch: c.reader.Epoch(),
	}
	s.Mirrored = len(c.hosts.of) - s.Kept
	s.Quiet, s.Removed, s.OldestDebt = c.quiet, c.removed, c.debts.oldest()
	if len(c.asked) > 0 {
		s.Slowest = c.slowest()
	}
	for id, p := range c.peers {
		x := Peer{id, p.name, p.seen, id == c.self.id, p.read, Crowd, 0}
		if n, ok := c.keepers.of[id]; ok || x.Self { // this member has number 0
			x.Keeper, x.Kept = n, c.keepers.slots[n].hosts
		}
		s.Peers = append(s.Peers, x)
	}
	return s
}

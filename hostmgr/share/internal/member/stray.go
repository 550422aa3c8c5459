package member

import "github.com/hostlife/hostlife/hostmgr/share/internal/record"

const (
	strayIntervals = 10
	leastStray     = 10 * minute
	maxInterval    = uint64(24 * 60 * minute) // of a host; that of one that is never due is longer
)

// stray decides about a host that this registry cannot have, for instance because its metadata
// cannot be decoded. Its keeper judges it. When the keeper is dead, a member that has the host
// takes it over. If none has it, the record would stay for ever. So after a long time this member
// asks about it, and ends it when all have read the question. A member that hears the host answers.
func (c *Core) stray(m *matter, e entry, h *record.Host) {
	switch mine := e.keeper == 0; {
	case mine && !e.is(asked), !mine && c.isAbandoned(m, e, h):
		if c.mayAsk(m) {
			c.counts.Strays++
			c.rewrite(m, e, func(h *record.Host) { h.Keeper, h.Asked, h.Suspect = c.self.id, true, true })
		}
	case mine && c.isRead(m) && c.mayAsk(m):
		c.endCurrent(m, e, &Ending{
			Registration: h.Registration, Incarnation: h.Incarnation, Kind: kindEvicted, Content: h.Content,
		})
	case !mine:
		c.close(m)
	}
}

// isAbandoned reports whether the keeper of a host has been dead for long, and it is the turn of
// this member.
func (c *Core) isAbandoned(m *matter, e entry, h *record.Host) bool {
	if c.keepers.live(e.keeper) {
		return false
	}
	since, ok := c.dueSince[m.key]
	if !ok {
		since = c.now
		c.dueSince[m.key] = since
	}
	wait := max(leastStray, strayIntervals*int64(min(h.Interval, maxInterval)))
	return h.Interval <= maxInterval && c.now >= since+wait+c.rank(record.HostKey(m.id))*c.Lapse
}

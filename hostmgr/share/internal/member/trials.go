package member

import (
	"maps"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// A trial is a registration, or its departure, that this member has sent to the table, and that the
// feed has not shown.
//
// The feed that was read when it was sent shows each change since. A later feed begins with a
// snapshot. If that has neither, there are three possibilities. The table has never had the
// registration. Or it had it, other members have ended it, and they have deleted the departure,
// because its cleanup is done: then the table has no trace of it. Or the table had it, and has lost
// it. An answer of the Store does not rule out the last one: the table tells only whether it has
// lost what this member has read.
//
// So the member writes the registration again, or its departure. But the departure may be a
// repetition. Then the cleanup waits for the other members: each of them that knows that the cleanup
// is done says so, and its read mark stays before the departure until then.
//
// A registration that the feed has shown needs no trial. If a later snapshot does not have it, and
// the table has not gone back, then it was ended: its departure is in the batch that removes it. If
// the snapshot does not have the departure either, the cleanup is done.
type trial struct {
	id       string
	feed     uint64 // that was read when the first write was sent
	sent     int    // writes that may have been executed
	repeated bool   // its end is known here
}

// isOld reports whether the table may have had a registration while this member did not read.
func (c *Core) isOld(t *trial) bool { return t.feed != c.feeds }

// trial returns the trial of a registration.
func (c *Core) trial(at departed, id string) *trial {
	t := c.trials[at]
	if t == nil {
		t = &trial{id: id, feed: c.feeds}
		c.trials[at] = t
	}
	return t
}

// try notes what a group is about to put into the table. A departure counts if it is written alone:
// otherwise the batch fails if the record of the host was changed.
func (c *Core) try(g *group) {
	g.trials = g.trials[:0]
	if g.registers != 0 {
		g.trials = append(g.trials, departed{g.matter.key, g.registers})
	}
	if w := g.writes[0]; len(g.writes) == 1 && w.Expect == 0 {
		if k := record.ParseKey(w.Key); k.Kind == record.KindGone {
			g.trials = append(g.trials, departed{c.keyOf(k.ID), k.Registration})
		}
	}
	for _, at := range g.trials {
		c.trial(at, g.id()).sent++
	}
}

// notExecuted takes the result that a group was not executed.
func (c *Core) notExecuted(g *group) {
	for _, at := range g.trials {
		if t := c.trials[at]; t != nil {
			if t.sent--; t.sent <= 0 {
				delete(c.trials, at)
			}
		}
	}
}

// registered takes the news that the table has a registration. Its trial is over, unless it was sent
// under an earlier feed and again since: what the feed shows may be the second time.
func (c *Core) registered(at departed) {
	if t := c.trials[at]; t != nil && (!c.isOld(t) || t.sent < 2) {
		delete(c.trials, at)
	}
}

// repeats takes the news that the table has a departure, and reports whether it may have had it
// before.
func (c *Core) repeats(at departed) bool {
	t := c.trials[at]
	delete(c.trials, at)
	return t != nil && (t.repeated || c.isOld(t) && t.sent > 1)
}

// dropTrials drops the trials of registrations that this member will not write again.
func (c *Core) dropTrials() {
	maps.DeleteFunc(c.trials, func(at departed, t *trial) bool {
		l, here := c.registry.Look(t.id)
		return c.matters[t.id] == nil && (!here || l.Registration != at.registration)
	})
}

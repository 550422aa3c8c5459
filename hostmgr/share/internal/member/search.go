package member

import (
	"maps"
	"slices"
	"strings"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// A search looks through the hosts of the registry. It runs
//   - when a keeper has died: for hosts that are heard here, or are due;
//   - while there are hosts without a keeper: for those that are heard here by now, and those that
//     the registry cannot have;
//   - after the table has lost records: for hosts that it does not have.
type search struct {
	death  bool  // since the last run
	next   int64 // not before
	lostAt int64 // when the table was found to have lost records; 0: it has not
	round  int64 // Lapses since then
}

func (s *search) died() { s.death = true }

// run runs the search if it is time. It takes a part of the time only, however many hosts there
// are.
func (s *search) run(c *Core) {
	lost := s.lostAt != 0 && c.now >= s.lostAt+(s.round+1)*c.Lapse
	if len(c.backlog) > 0 || !lost && !s.death && (c.now < s.next || c.keepers.orphans() == 0) {
		return
	}
	if lost {
		s.round++
	}
	missing, death := 0, s.death
	s.death = false
	c.registry.Scan(func(id string, l Local) bool {
		switch e, listed := c.hosts.of[c.keyOf(id)]; {
		case listed:
			if !c.keepers.live(e.keeper) && (l.Heard || death && l.Due) {
				c.backlog = append(c.backlog, strings.Clone(id))
			}
		case lost:
			if missing++; c.rank(record.HostKey(id)) < s.round {
				c.backlog = append(c.backlog, strings.Clone(id))
			}
		}
		return true
	})
	for _, id := range slices.Sorted(maps.Keys(c.aside)) {
		if e, ok := c.hosts.of[c.keyOf(id)]; ok && !c.keepers.live(e.keeper) {
			c.backlog = append(c.backlog, id)
		}
	}
	if lost && missing == 0 || s.round > int64(len(c.peers)) {
		s.lostAt, s.round = 0, 0
	}
	s.next = c.now + second + int64(len(c.hosts.of))*10_000
}

// dropMissing is called after a snapshot. A host that it does not have has departed. If the table
// has gone back, it may have lost the host instead: then this member writes the hosts that it
// hears or keeps, and the heirs write the others after a Lapse.
func (c *Core) dropMissing(back bool) {
	if back {
		c.counts.Losses++
		c.search.lostAt, c.search.round = c.now, 0
	}
	if c.hosts.stale == 0 && !back {
		return
	}
	if !back {
		c.dropEnds()
	}
	c.registry.Scan(func(id string, l Local) bool {
		k := c.keyOf(id)
		e, listed := c.hosts.of[k]
		switch {
		case !listed || !c.hosts.isStale(e):
		case !back && e.tag == tagOf(l.Registration) && e.is(mirrored):
			c.registry.Depart(strings.Clone(id), l.Registration, nil)
			// Its gone record was deleted: all live members had read it, and its cleanup was done.
			c.ended.add(departed{k, l.Registration}, end{kind: kindEvicted, done: true})
		case back && (l.Heard || e.keeper == 0):
			c.backlog = append(c.backlog, strings.Clone(id))
		}
		return true
	})
	for k, e := range c.hosts.of {
		if c.hosts.isStale(e) {
			c.unset(k)
		}
	}
	for id := range c.aside {
		if _, listed := c.hosts.of[c.keyOf(id)]; !listed {
			delete(c.aside, id)
		}
	}
}

// dropEnds drops the endings of registrations that the table had, and has not any more: other
// members have ended them.
func (c *Core) dropEnds() {
	for _, m := range c.matters {
		e, listed := c.hosts.of[m.key]
		if !listed || !c.hosts.isStale(e) {
			continue
		}
		m.dropEnds(e.tag)
		m.settle = false
	}
}

package model

import (
	"fmt"
	"time"
)

// An account is what the oracle counts.
type account struct {
	heartbeats, evictions, leavings, resyncs, hostWrites, renewals int

	wrong    []string // what broke a promise
	twice    int      // registrations that departed twice
	lost     int      // registrations that never departed
	unclean  int      // cleanups that were never done
	again    int      // cleanups that were done twice, for a good reason
	away     int      // evictions of hosts that a process heard that was no member then
	stray    int      // evictions at an old primary, of hosts that were taken at the new one
	vanished int      // registrations that no process knew any more after the engine lost them
	renamed  int      // registrations that go on under another number

	overdue []time.Duration // the silence at evictions, less the timeout

	born     map[int]int  // registration: host
	ended    map[int]bool // registrations that have departed
	unknown  map[int]bool // registrations and cleanups that no live member knows
	merged   map[int]bool // registrations that go on under another number of the same host
	cleanups map[int]*cleanup
}

type cleanup struct {
	tries []try
	done  int
}

type try struct {
	node *node
	at   time.Duration
	own  bool // the table said then that this member cleans up
}

func newAccount() account {
	return account{born: map[int]int{}, ended: map[int]bool{}, unknown: map[int]bool{}, merged: map[int]bool{}, cleanups: map[int]*cleanup{}}
}

func (a *account) add(b *account) {
	a.heartbeats += b.heartbeats
	a.evictions += b.evictions
	a.leavings += b.leavings
	a.resyncs += b.resyncs
	a.hostWrites += b.hostWrites
	a.renewals += b.renewals
	a.twice += b.twice
	a.lost += b.lost
	a.unclean += b.unclean
	a.again += b.again
	a.away += b.away
	a.stray += b.stray
	a.renamed += b.renamed
	a.vanished += b.vanished
	a.overdue = append(a.overdue, b.overdue...)
}

// cleans notes that a shared cleanup begins.
func (o *oracle) cleans(m *member, registration int) {
	o.say("%d cleans up after %d", m.id, registration)
	if o.cleanups[registration] == nil {
		o.cleanups[registration] = &cleanup{}
	}
	c := o.cleanups[registration]
	v, _ := o.truth().records[key{'g', registration}].value.(goneRecord)
	c.tries = append(c.tries, try{m.node, o.now, v.cleaner == m.id})
}

// cleaned notes that it is done. It may be done twice only if a process that did it was interrupted
// since it began, or within one Lapse before: then its record was removed while it cleaned up.
func (o *oracle) cleaned(m *member, registration int) {
	c := o.cleanups[registration]
	if c.done++; c.done == 1 {
		return
	}
	for _, t := range c.tries {
		if t.node.disturbed >= t.at || t.own && t.node.disturbed+o.lapse >= t.at || o.troubled >= t.at {
			o.again++
			return
		}
	}
	o.breach("%d cleans up after %d again", m.id, registration)
}

// findVanished notes which registrations neither a table nor a process knows any more. dead is
// about to end.
func (o *oracle) findVanished(dead *member) {
	known := map[int]bool{}
	for _, n := range o.nodes {
		for _, c := range []connection{forReads, forWrites} {
			for k, r := range n.reach(c).records {
				note(known, k, r.value)
			}
		}
		if m := n.member; m != nil && m != dead {
			m.knows(known)
		}
	}
	for r := 1; r <= o.numbers; r++ {
		if !known[r] && !o.isOver(r) {
			o.unknown[r] = true
		}
	}
}

// isOver reports whether a registration has departed and is cleaned up.
func (o *oracle) isOver(registration int) bool {
	c := o.cleanups[registration]
	return o.ended[registration] && c != nil && c.done > 0
}

func note(known map[int]bool, k key, value any) {
	switch v := value.(type) {
	case hostRecord:
		known[v.registration] = true
	case goneRecord:
		known[k.id] = true
	}
}

func (m *member) knows(known map[int]bool) {
	for h := range m.hosts {
		known[m.local[h].registration] = true
		note(known, key{'h', h}, m.hosts[h].value)
	}
	for _, e := range m.endings {
		known[e.registration] = known[e.registration] || !e.cleaned
	}
}

// finish compares what is left at the end.
func (o *oracle) finish() {
	t := o.truth()
	for _, k := range t.snapshot(position{}).keys {
		if k.kind != 'm' {
			o.breach("left over: %c%d = %+v", k.kind, k.id, t.records[k].value)
		}
	}
	for _, n := range o.nodes {
		m := n.member
		if m == nil || !m.ready || len(m.peers) != len(o.nodes) || len(m.gones) > 0 || len(m.owed) > 0 || m.revision < t.revision()-20 {
			o.breach("node %d is not at rest: %s", n.name, m)
			continue
		}
		for h := range m.local {
			if m.local[h].registration != 0 || m.hosts[h].value != nil {
				o.breach("node %d still has host %d: %+v", n.name, h, m.local[h])
			}
		}
	}
	for r := 1; r <= o.numbers; r++ {
		o.finishRegistration(r)
	}
}

// String says in which state a member is.
func (m *member) String() string {
	if m == nil {
		return "dead"
	}
	return fmt.Sprintf("id %d ready %t synced %t revision %d; %d peers, %d gone, %d owed", m.id, m.ready, m.synced, m.revision, len(m.peers), len(m.gones), len(m.owed))
}

func (o *oracle) finishRegistration(r int) {
	_, born := o.born[r]
	c := o.cleanups[r]
	switch {
	case !born && !o.ended[r] || o.isOver(r):
	case o.merged[r]: // its departure was lost, if there was one
		o.renamed++
	case o.unknown[r]:
		o.vanished++
	case !o.ended[r]:
		o.lost++
		o.breach("registration %d of host %d is lost", r, o.born[r])
	case c == nil || c.done == 0:
		o.unclean++
		o.breach("registration %d is not cleaned up", r)
	}
}

package member

import "maps"

// roamed is for how many timeouts a host counts as one that roams.
const roamed = 8

// roamers are the hosts that a member has taken from another one that lives, because it had heard
// them. Such a host probably makes its contacts at several members.
type roamers struct {
	of   map[hostKey]roamer
	full int // the length at which those that are over are removed
}

// A roamer is a host that roams.
type roamer struct {
	until int64 // when it does not count as one any more
	since int64 // when its keeper was last known to have heard it
}

func (r *roamers) has(k hostKey, now int64) bool { return r.of[k].until > now }

func (r *roamers) set(k hostKey, x roamer, now int64) {
	if r.of == nil {
		r.of = map[hostKey]roamer{}
	}
	if len(r.of) >= r.full {
		maps.DeleteFunc(r.of, func(_ hostKey, x roamer) bool { return x.until <= now })
		r.full = max(1024, 2*len(r.of))
	}
	r.of[k] = x
}

// follow takes the news of a record: whether its host roams, and that its keeper has heard it.
//
// A host that makes each contact at several members does not roam. A member that sees another one
// relieve the keeper has then heard the same contact. Otherwise they would take the host from one
// another for ever.
func (c *Core) follow(id string, k hostKey, known bool, was, e entry) {
	x, roams := c.roamers.of[k], c.roamers.has(k, c.now)
	moved := known && was.tag == e.tag && was.keeper != e.keeper && c.keepers.live(was.keeper)
	needed := was.is(asked) || was.is(suspect)
	if !roams && (!moved || !needed) || e.is(asked) || e.is(suspect) {
		return
	}
	l, ok := c.registry.Look(id)
	switch {
	case !ok:
		return
	case moved && !needed && e.keeper != 0 && l.Ago < l.Interval/2:
		delete(c.roamers.of, k)
		return
	case moved:
		x.until = c.now + roamed*min(l.Timeout, 1<<58)
	}
	again := x.since == c.now
	x.since = c.now
	if c.roamers.set(k, x, c.now); !again {
		c.plan(id, x.since, &l)
	}
}

// isDoubt reports whether a suspicion is not told yet. The keeper of a host that roams suspects it
// again and again, while another member hears it. Each time would cost a write, and another one
// when the suspicion is over. The members that have not heard the host would show it as suspect.
// So the keeper waits for one more interval. If the timeout ends before that, the question tells the
// suspicion.
func (c *Core) isDoubt(m *matter, e entry, l Local) bool {
	if !l.Suspect || e.is(suspect) || m.doubted == l.Word || !c.roamers.has(m.key, c.now) {
		return false
	}
	c.agenda.add(appointment{at: c.now + l.Interval, key: m.id, word: l.Word})
	return true
}

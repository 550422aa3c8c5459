package member

// mostLate is how much later a host that roams may be asked about.
const mostLate = 50 * millisecond

// A relief is the moment at which another member takes a host that roams, before its keeper asks.
//
// A question and its answer are two records. The keeper asks if it misses all contacts that fit
// into the timeout, say n. A member that hears the last of them takes the host at once instead:
// that is one record. It cannot know whether the keeper has heard an earlier one, so it takes the
// host in any case. If no member takes it, the keeper has heard that contact itself. So a relief is
// due each n contacts, and costs a record if another member than the keeper hears the host:
//
//	records per contact, with reliefs:   (1 - 1/members) / n
//	records per contact, with questions: at least 2 / (members * ((1 - 1/members)^-n - 1))
//
// Questions cost more than that if another member answers than the one that has heard the host
// last, and suspicions cost records, too. In simulations, reliefs cost less or as much up to
// n = 2 * members. With a longer timeout the keeper hears nearly each host in time.
//
// Reliefs only save records. A member may take a host that it hears at any time, as it does when
// the host announces other metadata. If no member does, the keeper asks.

// relieves reports whether the last contact here is one after which this member takes the host. A
// contact counts for the nearest multiple of n intervals.
func (c *Core) relieves(k hostKey, l Local) bool {
	x, n := c.roamers.of[k], c.reliefs(&l)
	if n == 0 || x.until <= c.now {
		return false
	}
	at := c.now - l.Ago - x.since + l.Interval/2
	return at >= n && at%n < l.Interval
}

// reliefs is the time from one relief to the next; 0 if there are none.
func (c *Core) reliefs(l *Local) int64 {
	if l.Interval <= 0 || l.Timeout > 1<<58 || l.Timeout/l.Interval > 2*int64(len(c.peers)) {
		return 0
	}
	return l.Timeout / l.Interval * l.Interval
}

// plan has await called half an interval before the next relief.
func (c *Core) plan(id string, since int64, l *Local) {
	if n := c.reliefs(l); n > 0 {
		from := since - l.Interval/2
		c.agenda.add(appointment{at: from + ((c.now-from)/n+1)*n, key: id, relief: since})
	}
}

// await makes the registry report the next contact of a host, if the table has not changed since
// the relief was planned.
func (c *Core) await(id string, since int64) {
	k := c.keyOf(id)
	x, e := c.roamers.of[k], c.hosts.of[k]
	if x.since != since || x.until <= c.now || e.keeper == 0 {
		return
	}
	if l, ok := c.registry.Look(id); ok && tagOf(l.Registration) == e.tag {
		c.registry.Await(id, l.Registration)
		c.plan(id, since, &l)
	}
}

// isEarly reports whether a host that roams is not asked about yet. The last contact that fits into
// its timeout may come a little late, and takes a moment to be written. So the keeper waits for a
// moment more. A host that roamed and has died is evicted later by that.
func (c *Core) isEarly(m *matter, l Local) bool {
	more := min(l.Interval/200, mostLate)
	wait := l.Timeout + more - l.Silence
	if wait <= 0 || wait > more || c.reliefs(&l) == 0 || !c.roamers.has(m.key, c.now) {
		return false
	}
	c.askAt = max(c.askAt, c.now+wait)
	c.agenda.add(appointment{at: c.now + wait, key: m.id})
	return true
}

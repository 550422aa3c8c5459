package member

import "maps"

// roamed is for how many timeouts a host counts as one that roams.
const roamed = 8

// roamers are the hosts that this member has taken from living members, because it had heard them.
// Such a host probably makes its contacts at several members.
type roamers struct {
	until map[hostKey]int64
	full  int // the length at which those that are over are removed
}

func (r *roamers) add(k hostKey, timeout, now int64) {
	if r.until == nil {
		r.until = map[hostKey]int64{}
	}
	if len(r.until) >= r.full {
		maps.DeleteFunc(r.until, func(_ hostKey, until int64) bool { return until <= now })
		r.full = max(1024, 2*len(r.until))
	}
	r.until[k] = now + roamed*min(timeout, 1<<58)
}

func (r *roamers) has(k hostKey, now int64) bool { return r.until[k] > now }

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

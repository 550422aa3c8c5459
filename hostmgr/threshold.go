package hostmgr

import "math/bits"

// minStall is the shortest gap that may be a stall under Run: what a host of the shortest interval
// there is tolerates under Multiple(2).
const minStall = int64(minInterval) / 2

// tolerance is the longest gap between two sweeps that evicts no host of these terms that is heard
// on time, so that a longer one must be a stall. Such a host has been silent for up to its interval
// when the gap begins; of the patience that is left, half is for its heartbeat to arrive. What is
// learned of a host may leave it little more than twice its interval.
func (t *terms) tolerance() int64 {
	if t.evict == 0 {
		return never
	}
	left := t.evict - t.interval
	if t.learns {
		left = min(left, t.interval)
	}
	return max(minStall, int64(left)/2)
}

// A class is all tolerances of the same four leading bits: so there are few, however many intervals
// there are, and each is taken for the least of its class, which is lower by an eighth at most.
type class uint16

const classes = 8 * 61 // the class of those that tolerate any gap

func classOf(tolerance int64) class {
	if tolerance >= never {
		return classes
	}
	low := bits.Len64(uint64(tolerance)) - 4 // minStall has more bits
	return class(8*low + int(tolerance>>low&7))
}

// least is the least tolerance of a class.
func (c class) least() int64 {
	if c >= classes {
		return never
	}
	return int64(8+c%8) << (c / 8)
}

// A threshold is the gap between sweeps above which it is a stall: the one that is configured, or
// under Run what the most impatient host tolerates, if that is less. For that it counts the hosts that
// tolerate less than what is configured, by class. Guarded by Registry.mu.
type threshold struct {
	given   int64 // by Config, or Run; 0: no gap is a stall
	follows bool  // Run is running
	beyond  class // hosts of this one and above do not matter
	first   class // of the most impatient host that matters; classes, if there is none
	hosts   [classes]int32
}

func newThreshold(given int64) threshold {
	t := threshold{given: given, first: classes}
	if given == 0 {
		given = int64(runMaxGap)
	}
	t.beyond = classOf(given) + 1
	return t
}

// limit is the one in force.
func (t *threshold) limit() int64 {
	if t.follows && t.given > 0 {
		return min(t.given, t.first.least())
	}
	return t.given
}

// counts tells whether there are hosts that matter.
func (t *threshold) counts() bool { return t.first < classes }

// count counts so many hosts more of a class, and tells whether the first one is another.
func (t *threshold) count(c class, more int32) (changed bool) {
	if t.hosts[c] += more; more > 0 {
		changed = c < t.first
		t.first = min(t.first, c)
		return changed
	}
	if t.hosts[c] > 0 || c > t.first {
		return false
	}
	for t.first < classes && t.hosts[t.first] == 0 {
		t.first++
	}
	return true
}

// tolerates counts a host that is judged by t, or no longer is. The caller holds mu, as that of
// setGiven does.
func (r *Registry[M]) tolerates(t *terms, more int32, now int64) {
	if t.class < r.threshold.beyond && r.threshold.count(t.class, more) {
		r.setLimit(now)
	}
}

// setGiven has the threshold be another one, which under Run follows the hosts.
func (r *Registry[M]) setGiven(given int64, follows bool, now int64) {
	r.threshold.given, r.threshold.follows = given, follows
	r.setLimit(now)
}

// setLimit puts the threshold in force. Before it becomes shorter, the gap so far is judged by the
// longer one, for the host that it becomes shorter for was not there in it; and Run, which sleeps
// for half of the longer one, is woken.
func (r *Registry[M]) setLimit(now int64) {
	limit := r.threshold.limit()
	if r.threshold.follows && limit < r.ledger.limit {
		r.listened(now)
		r.plan(now + limit/2)
	}
	r.ledger.limit = limit
}

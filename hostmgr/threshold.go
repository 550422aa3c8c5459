package hostmgr

import (
	"math/bits"
	"time"
)

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

func (t *terms) impatient() bool { return t.class < classes }

// A class is all tolerances of the same four leading bits: so there are few, however many intervals
// there are, and each is taken for the least of its class, which is lower by an eighth at most.
type class uint16

const classes = 8 * 61 // the class of hosts that are not impatient

func classOf(tolerance int64) class {
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

// A threshold is the gap between sweeps above which it is a stall. For most hosts that is the one that
// is configured. A host that tolerates less is impatient: under Run, a gap is a stall for all
// impatient hosts if it is longer than what the most impatient one tolerates. For that they are
// counted, by class. Guarded by Registry.mu.
//
// Impatient hosts have a ledger of their own (Registry.fine), so what they need touches no other host:
// short gaps put off no other host's deadline, nor do they push long stalls out of the other
// host's ledger.
type threshold struct {
	given   int64 // by Config, or Run; 0: no gap is a stall
	follows bool  // Run is running
	first   class // of the most impatient host; classes, if there is none
	hosts   [classes]int32
}

// longest is the threshold for most hosts under Run; a host that tolerates less is impatient.
func longest(maxGap time.Duration) int64 {
	if maxGap == 0 {
		return int64(runMaxGap)
	}
	return max(0, int64(maxGap))
}

// limit is that of impatient hosts.
func (t *threshold) limit() int64 {
	if t.follows && t.given > 0 {
		return min(t.given, t.first.least())
	}
	return t.given
}

// counts tells whether there are impatient hosts.
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
	if t.impatient() && r.threshold.count(t.class, more) {
		r.setLimit(now)
	}
}

// ledgerOf is the ledger by which a host of these terms is judged. The caller holds mu, for reading
// at least, as that of between does.
func (r *Registry[M]) ledgerOf(t *terms) *ledger {
	if t.impatient() {
		return &r.fine
	}
	return &r.ledger
}

// between is how much of the time from seen to over, which lies in the past, does not count as silence of
// a host of these terms.
func (r *Registry[M]) between(t *terms, seen, over int64) int64 {
	long := r.ledger.between(seen, over, over)
	if !t.impatient() {
		return long
	}
	return r.withShort(long, r.fine.between(seen, over, over))
}

// withShort is what is excused for an impatient host. Of short gaps no more counts than four of the
// longest there may be: on a machine whose gaps are all too long for the most impatient host,
// dead hosts would otherwise stay for ever.
func (r *Registry[M]) withShort(long, all int64) int64 {
	return long + max(0, min(all-long, 4*min(r.judge.longest, maxPatience/4)))
}

// setGiven has the threshold be another one, which under Run is shorter for impatient hosts. The gap so far
// is judged by it.
func (r *Registry[M]) setGiven(given int64, follows bool) {
	r.threshold.given, r.threshold.follows = given, follows
	r.ledger.limit, r.fine.given = given, given
	r.fine.limit = r.threshold.limit()
}

// setLimit puts the threshold of impatient hosts in force. Before it becomes shorter, the gap so far is
// judged by the longer one, for the host that it becomes shorter for was not there in it; and
// Run, which sleeps for half of the longer one, is woken.
func (r *Registry[M]) setLimit(now int64) {
	limit := r.threshold.limit()
	if r.threshold.follows && limit < r.fine.limit {
		r.listened(now)
		r.plan(now + limit/2)
	}
	r.fine.limit = limit
}

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

// A threshold is the gap between sweeps above which it is a stall: the one that is configured, or
// under Run what the most impatient host tolerates, if that is less. For that it counts the hosts that
// tolerate less than what is configured, by what they tolerate, of which it keeps four bits: so
// there are few different ones, however many intervals there are. Guarded by Registry.mu.
type threshold struct {
	given   int64 // by Config, or Run; 0: no gap is a stall
	follows bool  // Run is running
	longest int64 // hosts that tolerate as much do not matter
	hosts   map[int64]int
	least   int64 // of those in hosts; never, if there are none
}

func newThreshold(given int64) threshold {
	t := threshold{given: given, longest: given, least: never}
	if given == 0 {
		t.longest = int64(runMaxGap)
	}
	return t
}

// limit is the one in force.
func (t *threshold) limit() int64 {
	if t.follows && t.given > 0 {
		return min(t.given, t.least)
	}
	return t.given
}

// counts tells whether there are hosts that matter.
func (t *threshold) counts() bool { return t.least < never }

// count counts so many hosts more that tolerate such a gap.
func (t *threshold) count(tolerance int64, more int) {
	if tolerance >= t.longest {
		return
	}
	low := max(0, bits.Len64(uint64(tolerance))-4)
	tolerance = tolerance >> low << low
	if t.hosts == nil {
		t.hosts = map[int64]int{}
	}
	t.hosts[tolerance] += more
	switch left := t.hosts[tolerance]; {
	case left > 0:
		t.least = min(t.least, tolerance)
	case tolerance == t.least:
		delete(t.hosts, tolerance)
		t.least = never
		for d := range t.hosts {
			t.least = min(t.least, d)
		}
	default:
		delete(t.hosts, tolerance)
	}
}

// tolerates counts a host that is judged by t, or no longer is. The caller holds mu, as that of
// setGiven does.
func (r *Registry[M]) tolerates(t *terms, more int, now int64) {
	if t.tolerance() < r.threshold.longest {
		r.threshold.count(t.tolerance(), more)
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

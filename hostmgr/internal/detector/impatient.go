package detector

import "math/bits"

// minTolerance is the shortest gap that may be a stall: what a host of the shortest interval
// tolerates if it is evicted after two intervals.
const minTolerance = int64(MinInterval) / 2

// Tolerance is the longest gap between two sweeps that evicts no host with these timeouts whose
// heartbeats are on time. A longer gap must be a stall for such a host. The host has been silent for
// up to its interval when the gap begins; half of the time that is left is for its heartbeat to
// arrive. An answer to its history may leave it little more than twice its interval.
func (t *Timeouts) Tolerance() int64 {
	if t.Evict == 0 {
		return Never
	}
	left := t.Evict - t.Interval
	if t.NeedsHistory {
		left = min(left, t.Interval)
	}
	return max(minTolerance, int64(left)/2)
}

// Classify finds out whether hosts with these timeouts are impatient: they tolerate less than the
// longest gap that is no stall for most hosts. It is called once, before the timeouts are in use.
func (t *Timeouts) Classify(longest int64) {
	t.class = 0
	if tolerance := t.Tolerance(); tolerance < longest {
		t.class = classOf(tolerance)
	}
}

// Impatient tells whether gaps that are no stalls for most hosts may be too long for these: see
// Classify.
func (t *Timeouts) Impatient() bool { return t.class != 0 }

// class stands for all tolerances with the same four leading bits. So there are few classes,
// however many intervals there are. Each tolerance counts as the least one of its class, which is
// lower by an eighth at most. Class 0 is that of hosts that are not impatient.
type class uint16

const classes = 8 * 61

// classOf returns the class of a tolerance, which is at least minTolerance: so it has more than four
// bits, and its class is not 0.
func classOf(tolerance int64) class {
	low := bits.Len64(uint64(tolerance)) - 4
	return class(8*low + int(tolerance>>low&7))
}

// least is the least tolerance of a class.
func (c class) least() int64 {
	if c == 0 {
		return Never
	}
	return int64(8+c%8) << (c / 8)
}

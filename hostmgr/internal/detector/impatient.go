package detector

import "math/bits"

// minTolerance is the shortest tolerance. A host of the shortest interval has it if it is evicted
// after two intervals.
const minTolerance = int64(MinInterval) / 2

// Tolerance returns the longest gap between two sweeps that evicts no host with these timeouts, if
// its heartbeats are on time. For such a host a longer gap must be a stall.
//
// When the gap begins, the host may have been silent for its interval. Half of the time that is
// left is for the gap; the other half is for its heartbeat to arrive. With a history, the answer of
// the policy may leave the host little more than twice its interval.
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

// Classify sets whether hosts with these timeouts are impatient: they tolerate less than longest,
// the threshold of most hosts. It is called once, before the timeouts are in use.
func (t *Timeouts) Classify(longest int64) {
	t.class = 0
	if tolerance := t.Tolerance(); tolerance < longest {
		t.class = classOf(tolerance)
	}
}

// Impatient reports whether a gap that is no stall for most hosts may be too long for hosts with
// these timeouts: see Classify.
func (t *Timeouts) Impatient() bool { return t.class != 0 }

// A class stands for all tolerances with the same four leading bits. So there are few classes,
// however many intervals there are. Each tolerance counts as the least one of its class, which is
// lower by an eighth at most. Class 0 is for hosts that are not impatient.
type class uint16

const classes = 8 * 61

// classOf returns the class of a tolerance. That is at least minTolerance, so it has more than four
// bits, and its class is not 0.
func classOf(tolerance int64) class {
	low := bits.Len64(uint64(tolerance)) - 4
	return class(8*low + int(tolerance>>low&7))
}

// least returns the least tolerance of a class.
func (c class) least() int64 {
	if c == 0 {
		return Never
	}
	return int64(8+c%8) << (c / 8)
}

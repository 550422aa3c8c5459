package detector

import (
	"math"
	"time"
)

const (
	// historyMemory is how many gaps count: each further one moves mean and variance by a 64th of its
	// difference.
	historyMemory = 64
	// FewGaps is how many gaps say little about a host.
	FewGaps = 8
)

// History is what a policy is told of the contacts of a host.
type History struct {
	Interval        time.Duration // of the host
	Mean, Deviation time.Duration // of the gaps between its contacts
	Count           uint64        // of the gaps
}

// Arrivals are the statistics of the gaps between the contacts of one host, and the timeouts that
// the policies last answered to them. They begin with the host's interval, and end when that
// changes: see Reset. The zero Arrivals are empty.
type Arrivals struct {
	now      moments
	count    uint64  // gaps that were added
	answered uint64  // gaps of the history that the policies have answered to; 0: they were not asked yet
	then     moments // of that history
	epoch    uint32  // counts the resets

	suspect, evict, shadow time.Duration // what the policies answered
}

// moments are mean and deviation of the gaps, in nanoseconds. Two float32 take half of the room, and
// are exact enough for a guess.
type moments struct{ mean, deviation float32 }

func (m moments) history(interval time.Duration, count uint64) History {
	return History{Interval: interval, Mean: time.Duration(m.mean), Deviation: time.Duration(m.deviation), Count: count}
}

// Add takes a gap between two contacts into account: mean and variance are weighted exponentially
// (Finch 2009), those of the first gaps equally. The influence of one gap is bounded: a longer one
// counts as 4 deviations above the mean. A host whose gaps stay long is still learned, because the
// deviation grows with each of them.
func (a *Arrivals) Add(gap int64, interval time.Duration) {
	mean, deviation := float64(a.now.mean), float64(a.now.deviation)
	d := min(float64(gap), a.longest(float64(interval))) - mean
	a.count++
	weight := 1 / float64(min(a.count, historyMemory))
	a.now.mean = float32(mean + weight*d)
	a.now.deviation = float32(math.Sqrt((1 - weight) * (deviation*deviation + weight*d*d)))
}

// longest is what the next gap counts as at most. For this the deviation is no less than an eighth
// of the interval; or a quarter of it after few gaps, when the mean is no less than the interval.
func (a *Arrivals) longest(interval float64) float64 {
	mean, deviation := float64(a.now.mean), float64(a.now.deviation)
	if a.count < FewGaps {
		return max(mean, interval) + 4*max(deviation, interval/4)
	}
	return mean + 4*max(deviation, interval/8)
}

// History is what a policy is told now of a host of this interval.
func (a *Arrivals) History(interval time.Duration) History { return a.now.history(interval, a.count) }

// Answered is what the policies were told when they answered last. It goes with the timeouts that
// Override returns. Its Count is 0 if they were not asked yet.
func (a *Arrivals) Answered(interval time.Duration) History {
	return a.then.history(interval, a.answered)
}

// Answer takes over what the policies answered to the history of asked: a copy of a, made before they
// were asked. An answer that comes too late changes nothing: after a Reset, or after an answer to a
// longer history.
func (a *Arrivals) Answer(t *Timeouts, asked *Arrivals) {
	if a.epoch == asked.epoch && asked.count > a.answered {
		a.answered, a.then = asked.count, asked.now
		a.suspect, a.evict, a.shadow = t.Suspect, t.Evict, t.Shadow
	}
}

// Override returns the timeouts as the policies last answered for this host.
func (a *Arrivals) Override(t Timeouts) Timeouts {
	if a.answered > 0 {
		t.Suspect, t.Evict, t.Shadow = a.suspect, a.evict, a.shadow
	}
	return t
}

// Reset forgets all, because the host has another interval. Answers to what was before it no longer
// count.
func (a *Arrivals) Reset() { *a = Arrivals{epoch: a.epoch + 1} }

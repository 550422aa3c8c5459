package detector

import (
	"math"
	"time"
)

const (
	// historyMemory is how many gaps count. Each further gap moves mean and variance by a 64th of
	// its difference.
	historyMemory = 64
	// FewGaps is how many gaps are too few to say much about a host.
	FewGaps = 8
)

// History is what a policy is told about a host.
type History struct {
	Interval        time.Duration // of the host
	Mean, Deviation time.Duration // of the gaps between its contacts
	Count           uint64        // of the gaps
}

// Arrivals has the statistics of the gaps between the contacts of one host, and the latest answer
// of the policies to them. They belong to one interval of the host: see Reset. The zero Arrivals is
// empty.
type Arrivals struct {
	now      moments
	count    uint64  // gaps that were added
	answered uint64  // count when the policies were last asked
	then     moments // statistics when the policies were last asked
	epoch    uint32  // counts the calls of Reset and Outdate
	known    bool    // the policies have answered
	outdated bool    // and Outdate was called since

	suspect, evict, shadow time.Duration // what the policies answered
}

// moments has the mean and deviation of the gaps, in nanoseconds. float32 takes half the memory of
// float64, and is exact enough for an estimate.
type moments struct{ mean, deviation float32 }

func (m moments) history(interval time.Duration, count uint64) History {
	return History{Interval: interval, Mean: time.Duration(m.mean), Deviation: time.Duration(m.deviation), Count: count}
}

// Add counts a gap between two contacts. Mean and variance are weighted exponentially (Finch 2009),
// those of the first gaps equally. The influence of one gap is bounded: a longer gap counts as 4
// deviations above the mean. If the gaps of a host stay long, the mean still follows, because the
// deviation grows with each of them.
func (a *Arrivals) Add(gap int64, interval time.Duration) {
	mean, deviation := float64(a.now.mean), float64(a.now.deviation)
	d := min(float64(gap), a.longest(float64(interval))) - mean
	a.count++
	weight := 1 / float64(min(a.count, historyMemory))
	a.now.mean = float32(mean + weight*d)
	a.now.deviation = float32(math.Sqrt((1 - weight) * (deviation*deviation + weight*d*d)))
}

// longest returns the most that the next gap can count as. For this the deviation is at least an
// eighth of the interval. During the first gaps it is at least a quarter of the interval, and the
// mean at least the interval.
func (a *Arrivals) longest(interval float64) float64 {
	mean, deviation := float64(a.now.mean), float64(a.now.deviation)
	if a.count < FewGaps {
		return max(mean, interval) + 4*max(deviation, interval/4)
	}
	return mean + 4*max(deviation, interval/8)
}

// History returns what a policy is told now about a host of this interval.
func (a *Arrivals) History(interval time.Duration) History { return a.now.history(interval, a.count) }

// Answered returns what the policies were told when they answered last: the basis of what Override
// returns. Its Count is 0 if they were not asked yet, or were asked before the first gap.
func (a *Arrivals) Answered(interval time.Duration) History {
	return a.then.history(interval, a.answered)
}

// Answer stores the answer t of the policies to the history of asked, a copy of a from before they
// were asked. It ignores an answer that comes too late: after a Reset or Outdate, or after the
// answer to the same history or a longer one.
func (a *Arrivals) Answer(t *Timeouts, asked *Arrivals) {
	if a.epoch == asked.epoch && (!a.known || a.outdated || asked.count > a.answered) {
		a.known, a.outdated = true, false
		a.answered, a.then = asked.count, asked.now
		a.suspect, a.evict, a.shadow = t.Suspect, t.Evict, t.Shadow
	}
}

// Known reports whether the policies have answered since the last Reset.
func (a *Arrivals) Known() bool { return a.known }

// Override returns t with the latest answer of the policies for this host.
func (a *Arrivals) Override(t Timeouts) Timeouts {
	if a.known {
		t.Suspect, t.Evict, t.Shadow = a.suspect, a.evict, a.shadow
	}
	return t
}

// Outdate makes answers to questions of before come too late, because the policies may answer
// otherwise from now on. The latest answer counts until they have.
func (a *Arrivals) Outdate() {
	a.epoch++
	a.outdated = true
}

// Reset forgets everything, because the host has another interval. Answers to an earlier history
// are then too late.
func (a *Arrivals) Reset() { *a = Arrivals{epoch: a.epoch + 1} }

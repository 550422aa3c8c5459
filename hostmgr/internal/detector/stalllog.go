package detector

import "sort"

const (
	// maxStalls is how many stalls a log remembers (32 bytes each). Earlier time counts as
	// observed. That matters only for a host that has been silent through all of them.
	maxStalls = 4096
	// blockSize is how many stalls share one longest pause. It divides maxStalls/2, so blocks
	// remain blocks when older ones are forgotten.
	blockSize = 64
)

// A Stall is a time in which the registry did not observe its hosts: from From, not included, to
// To.
type Stall struct {
	From, To int64
	Limit    int64 // the threshold that the gap exceeded
	before   int64 // length of all stalls before this one
}

// Length returns the length of the stall.
func (s *Stall) Length() int64 { return s.To - s.From }

// A StallLog remembers when the registry stalled. The zero StallLog is empty, and finds no stalls.
//
// It keeps the stalls themselves. A clock that stands still during stalls would be simpler, but was
// rejected. Contacts could not be stored as the clock read them, and the evidence of a departure
// would not be exact. A contact within a stall that no sweep has found yet would count as too old
// or too new.
type StallLog struct {
	limit     int64 // a longer gap is a stall, unless the driver is slow; 0: no gap is
	allowed   int64 // the longest gap that is no stall: see allow
	threshold int64 // of an impatient log, what is allowed for most hosts
	driver    slowDriver
	last      int64 // when the registry last observed its hosts
	stalls    []Stall
	pauses    []int64 // the longest pause before a stall of each block: see pause
	total     int64   // how long all stalls lasted
	count     uint64  // of all stalls
}

// Observe notes that the registry observes its hosts at now. It returns the length of the stall
// that this ends, or 0. A now in the past changes nothing.
func (l *StallLog) Observe(now int64) (stalled int64) {
	gap := now - l.last
	if !l.isLong(gap) {
		l.last = max(l.last, now)
		return 0
	}
	if stalled = l.Stalled(now); stalled > 0 {
		l.record(l.last, now, l.exceeded(stalled))
	} else {
		l.driver.gap = Stall{From: l.last, To: now, Limit: l.limit}
	}
	l.last = now
	l.driver.add(gap, now)
	l.allow()
	return stalled
}

// Append adds a stall that is known from elsewhere, such as a recorded one. It returns false, and
// adds nothing, if the stall begins before the end of the latest one, or has no length.
func (l *StallLog) Append(from, to, limit int64) bool {
	if n := len(l.stalls); from >= to || n > 0 && from < l.stalls[n-1].To {
		return false
	}
	l.record(from, to, limit)
	l.last = max(l.last, to)
	return true
}

// record adds a stall. If there are too many, it forgets the older half.
func (l *StallLog) record(from, to, limit int64) {
	if len(l.stalls) == maxStalls {
		l.stalls = append(l.stalls[:0], l.stalls[maxStalls/2:]...)
		l.pauses = append(l.pauses[:0], l.pauses[maxStalls/2/blockSize:]...)
	}
	l.stalls = append(l.stalls, Stall{From: from, To: to, Limit: limit, before: l.total})
	l.addPause(len(l.stalls) - 1)
	l.total += to - from
	l.count++
}

// Stalled returns the length of the current stall, which no sweep has found yet; or 0.
func (l *StallLog) Stalled(now int64) int64 {
	if gap := now - l.last; l.limit > 0 && gap > l.allowed {
		return gap
	}
	return 0
}

// LastObserved returns when the registry last observed its hosts.
func (l *StallLog) LastObserved() int64 { return l.last }

// exceeded returns the limit that a stall has exceeded. In an impatient log that is the one of most
// hosts, if the gap is longer than that.
func (l *StallLog) exceeded(gap int64) int64 {
	if gap > l.threshold {
		return max(l.allowed, l.threshold)
	}
	return l.allowed
}

// StallTime returns for how much of the time from t to now the registry was stalled. A stall that
// no sweep has found yet counts as well. So the result does not depend on when the last sweep ran.
func (l *StallLog) StallTime(t, now int64) int64 {
	var sum int64
	if l.Stalled(now) > 0 {
		sum = max(0, now-max(t, l.last))
	}
	n := len(l.stalls)
	if n == 0 || t >= l.stalls[n-1].To {
		return sum
	}
	s := &l.stalls[l.endingAfter(t)]
	return sum + l.total - s.before - max(0, t-s.From)
}

// endingAfter returns the first stall that ends after t, or the number of stalls.
func (l *StallLog) endingAfter(t int64) int {
	return sort.Search(len(l.stalls), func(i int) bool { return l.stalls[i].To > t })
}

// Between returns for how much of the time from a to b the registry was stalled. Both are not after
// now.
func (l *StallLog) Between(a, b, now int64) int64 { return l.StallTime(a, now) - l.StallTime(b, now) }

// ObservedTime returns for how much of the time from t to now the registry observed its hosts.
func (l *StallLog) ObservedTime(t, now int64) int64 { return max(0, now-t-l.StallTime(t, now)) }

// latest returns the latest stall, which may still go on; ok is false if there was none. A stall
// keeps the limit that it exceeded, because Run takes its own limit back when it ends.
func (l *StallLog) latest(now int64) (s Stall, ok bool) {
	if gap := l.Stalled(now); gap > 0 {
		return Stall{From: l.last, To: now, Limit: l.exceeded(gap)}, true
	}
	if n := len(l.stalls); n > 0 {
		return l.stalls[n-1], true
	}
	return Stall{}, false
}

// postpone returns the deadline of an eviction as the latest stall postpones it.
func (l *StallLog) postpone(deadline int64, t *Timeouts, now int64) int64 {
	if s, ok := l.latest(now); ok {
		return s.postpone(deadline, t)
	}
	return deadline
}

// postpone returns the deadline of an eviction after a stall: a heartbeat then has the host's
// interval, and one more gap, to arrive. But silence never lasts more than twice the timeout.
// Otherwise hosts that are gone would stay as long as the registry stalls again and again.
func (s *Stall) postpone(deadline int64, t *Timeouts) int64 {
	if deadline >= Never {
		return deadline
	}
	grace := min(int64(t.Interval)+s.Limit, Never) // a forged log may name any limit
	return max(deadline, min(s.To+grace, deadline+int64(t.Evict)))
}

package detector

import "sort"

const (
	// maxStalls is how many stalls a log remembers (32 bytes each). Time before them counts as
	// observed. That matters only to a host that has been silent through all of them.
	maxStalls = 4096
	// blockSize is how many stalls share one longest pause. It divides maxStalls/2, so blocks remain
	// blocks when older ones are forgotten.
	blockSize = 64
)

// Stall is a time in which the registry did not observe its hosts: it lasts from From, not included,
// to To.
type Stall struct {
	From, To int64
	Limit    int64 // that the gap exceeded
	before   int64 // how long all stalls before this one lasted
}

// Length is how long the stall lasted.
func (s *Stall) Length() int64 { return s.To - s.From }

// StallLog remembers when the registry stalled. The zero StallLog is empty, and finds no stalls.
//
// It keeps the stalls themselves. A clock that stands still during stalls would be simpler, but then
// contacts could not be stored as the clock read them, nor a departure tell its evidence exactly. A
// contact within a stall that no sweep has found yet is neither too young nor too old.
type StallLog struct {
	limit     int64 // a longer gap is a stall; 0: none is
	threshold int64 // a stall that is longer than this has exceeded it: see exceeded
	last      int64 // when the registry last observed its hosts
	stalls    []Stall
	pauses    []int64 // the longest pause before a stall of each block: see pause
	total     int64   // how long all stalls lasted
	count     uint64  // of all stalls
}

// Observe notes that the registry observes its hosts now. It returns the length of the stall that
// this ends, or 0. Time that goes back changes nothing.
func (l *StallLog) Observe(now int64) (stalled int64) {
	if stalled = l.Stalled(now); stalled > 0 {
		l.record(l.last, now, l.exceeded(stalled))
	}
	l.last = max(l.last, now)
	return stalled
}

// Append adds a stall that is known from elsewhere, such as a recorded one. It returns false, and adds
// nothing, if the stall begins before the latest one was over, or has no length.
func (l *StallLog) Append(from, to, limit int64) bool {
	if n := len(l.stalls); from >= to || n > 0 && from < l.stalls[n-1].To {
		return false
	}
	l.record(from, to, limit)
	l.last = max(l.last, to)
	return true
}

// record adds a stall. If there are too many it forgets the older half.
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

// Stalled is the length of the stall that goes on now and that no sweep has found yet, or 0.
func (l *StallLog) Stalled(now int64) int64 {
	if gap := now - l.last; l.limit > 0 && gap > l.limit {
		return gap
	}
	return 0
}

// LastObserved is when the registry last observed its hosts.
func (l *StallLog) LastObserved() int64 { return l.last }

// exceeded is the limit that a gap has exceeded: the threshold, if the gap is that long.
func (l *StallLog) exceeded(gap int64) int64 {
	if gap > l.threshold {
		return max(l.limit, l.threshold)
	}
	return l.limit
}

// StallTime is how much of the time from t to now the registry was stalled. A stall that no sweep has
// found yet counts as well: so what is shown does not depend on when the last sweep ran.
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

// endingAfter is the first stall that ends after t, or their number.
func (l *StallLog) endingAfter(t int64) int {
	return sort.Search(len(l.stalls), func(i int) bool { return l.stalls[i].To > t })
}

// Between is how much of the time from a to b, both of them in the past of now, the registry was
// stalled.
func (l *StallLog) Between(a, b, now int64) int64 { return l.StallTime(a, now) - l.StallTime(b, now) }

// ObservedTime is how much of the time from t to now the registry observed its hosts.
func (l *StallLog) ObservedTime(t, now int64) int64 { return max(0, now-t-l.StallTime(t, now)) }

// latest is the latest stall, which may still go on; or ok is false. It keeps the limit that it
// exceeded, because Run takes its own limit back when it ends.
func (l *StallLog) latest(now int64) (s Stall, ok bool) {
	if gap := l.Stalled(now); gap > 0 {
		return Stall{From: l.last, To: now, Limit: l.exceeded(gap)}, true
	}
	if n := len(l.stalls); n > 0 {
		return l.stalls[n-1], true
	}
	return Stall{}, false
}

// postpone puts an eviction off after the latest stall.
func (l *StallLog) postpone(deadline int64, t *Timeouts, now int64) int64 {
	if s, ok := l.latest(now); ok {
		return s.postpone(deadline, t)
	}
	return deadline
}

// postpone puts an eviction off: after a stall a heartbeat has the host's interval, and a gap, to
// arrive. But silence never lasts more than twice the timeout, or hosts that are gone would stay as
// long as the registry stalls again and again.
func (s *Stall) postpone(deadline int64, t *Timeouts) int64 {
	if deadline >= Never {
		return deadline
	}
	grace := min(int64(t.Interval)+s.Limit, Never) // a forged log may name any limit
	return max(deadline, min(s.To+grace, deadline+int64(t.Evict)))
}

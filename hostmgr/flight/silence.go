package flight

import (
	"sort"
	"time"
)

// A silence is judged by a timeout, which gives its deadline. The result is what a registry computes
// when it records the silence, but no time is played: nothing between two stalls can be missed, however
// long it is, and one line of a log costs little, however many stalls lie within its silence.
type silence struct {
	*Record
	stalls     []stall       // of the registry, in order
	evictAfter time.Duration // the timeout of the replayed policy; 0: silence never evicts
}

// due reports whether a deadline passed before the end of the silence. It returns the first one that
// passed without a contact, or else the next one.
func (s *silence) due() (due bool, deadline time.Time) {
	if s.evictAfter == 0 {
		return false, time.Time{}
	}
	end := s.end()
	first := sort.Search(len(s.stalls), func(i int) bool { return s.stalls[i].to.After(s.LastContact) })
	if deadline = s.withGrace(first, s.firstAfterDeadline(first)); deadline.Before(end) {
		return true, deadline
	}
	// That deadline is the first one that passes before a stall begins. It is not before the end,
	// so no later one is: a stall moves no deadline to before its begin, or to before the previous
	// deadline.
	return false, s.withGrace(first, len(s.stalls))
}

// firstAfterDeadline returns the first stall, from first on, that begins after the deadline that counts
// until then; or the number of stalls. From stall to stall a deadline without grace moves by at
// most the time between their begins. So once it lies before a stall, it lies before all later
// stalls. The same holds for a deadline with the longest possible grace. Both are found by binary
// search. Between the two, the deadline lies before a stall if the pause before that stall was longer
// than the host's interval; blocks without such a pause are skipped.
func (s *silence) firstAfterDeadline(first int) int {
	i, last := s.search(first, 0), s.search(first, s.evictAfter)
	if i == 0 {
		return 0 // there is no stall before it that gives grace
	}
	for i < last {
		switch x := &s.stalls[i]; {
		case i%block == 0 && x.longestPause <= s.History.Interval:
			i += block
		case x.pause > s.History.Interval:
			return i
		default:
			i++
		}
	}
	return last
}

// search returns the first stall, from first on, that begins after the deadline plus grace; or the
// number of stalls.
func (s *silence) search(first int, grace time.Duration) int {
	return first + sort.Search(len(s.stalls)-first, func(i int) bool {
		return s.deadline(first, first+i).Add(grace).Before(s.stalls[first+i].from)
	})
}

// deadline returns the deadline after the first n stalls, without grace. Stalls before first were over
// when the silence began.
func (s *silence) deadline(first, n int) time.Time {
	stalled := time.Duration(0)
	if n > first {
		f, last := &s.stalls[first], &s.stalls[n-1]
		stalled = last.before + last.to.Sub(last.from) - f.before - latest(f.from, s.LastContact).Sub(f.from)
	}
	return s.LastContact.Add(stalled + s.evictAfter)
}

// withGrace returns the deadline after the first n stalls, with grace. The last of them leaves the host
// its interval, plus the limit of that stall, for a contact; but not more than its timeout.
func (s *silence) withGrace(first, n int) time.Time {
	deadline := s.deadline(first, n)
	if n == 0 {
		return deadline
	}
	return latest(deadline, s.grace(&s.stalls[n-1], deadline))
}

// grace returns the time until which a stall protects the host.
func (s *silence) grace(last *stall, deadline time.Time) time.Time {
	until := last.to.Add(s.History.Interval + last.limit)
	if limit := deadline.Add(s.evictAfter); limit.Before(until) {
		return limit
	}
	return until
}

// end returns the last moment of the silence at which the registry was not stalled.
func (s *silence) end() time.Time {
	if !s.StalledSince.IsZero() && s.StalledSince.Before(s.At) {
		return s.StalledSince
	}
	return s.At
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

package detector

import "math"

// SuspectBefore returns a time: a host with these timeouts is suspect or due at now if its last
// contact was before that. Of the hosts with a later contact, some may be suspect or due as well.
// The timeouts are the host's own.
//
// Silence that is longer than the timeout and all stall time since is too long. Less stall time
// matters to a host with a later contact. So each round begins with a time before which all hosts
// are suspect, and finds such a time that is not earlier. Without stalls the first one is exact.
func (s *Stalls) SuspectBefore(t *Timeouts, now int64) int64 {
	wait := t.Wait(false)
	if wait >= Never {
		return math.MinInt64
	}
	from := int64(0) // no stall was before that
	for range 3 {
		from = now - wait - s.StallTime(t, from, now)
	}
	return from
}

package detector

import (
	"fmt"
	"time"
)

// Timeouts has the limits of the silence of a host. All hosts of one interval share one Timeouts,
// and it never changes: a host that changes its interval gets another one. The answers of a policy
// to the history of one host override it: see Arrivals.
type Timeouts struct {
	Interval     time.Duration // between heartbeats
	Suspect      time.Duration // silence after which the host is suspect; 0: never
	Evict        time.Duration // silence after which it is due for eviction; 0: never
	Shadow       time.Duration // silence after which a second policy would evict it; 0: never
	NeedsHistory bool          // a policy uses the history: timeouts may change with each contact
	class        class         // of an impatient host; 0: it is not impatient
}

// maxSlack is enough for a heartbeat on its way through a local network and a busy scheduler.
const maxSlack = 10 * time.Millisecond

// Slack returns the least time from the end of an interval to the eviction. A host that is on time
// sends a heartbeat at the end of its interval, so without slack the eviction comes first. A tenth
// of the interval is enough below 100 ms, so 1.1 intervals are a valid timeout for each interval.
func Slack(interval time.Duration) time.Duration { return min(interval/10, maxSlack) }

// MinSlack is the Slack of the shortest interval: less is never enough.
const MinSlack = MinInterval / 10

// Normalize bounds the timeouts that a policy answered. It returns an error for negative ones, and
// for an eviction before the interval and its Slack are over. It drops a suspicion that would not
// come before the eviction. With a history, a suspicion does not come before the interval is over.
func (t *Timeouts) Normalize() error {
	if t.Suspect < 0 || t.Evict < 0 {
		return fmt.Errorf("timeouts (%v, %v) for an interval of %v", t.Suspect, t.Evict, t.Interval)
	}
	if least := t.Interval + Slack(t.Interval); t.Evict != 0 && t.Evict < least {
		return fmt.Errorf("eviction after %v evicts hosts that are on time: the least for an interval of %v is %v", t.Evict, t.Interval, least)
	}
	t.Suspect, t.Evict = min(t.Suspect, MaxTimeout), min(t.Evict, MaxTimeout)
	if t.NeedsHistory && t.Suspect != 0 {
		t.Suspect = max(t.Suspect, t.Interval)
	}
	if t.Evict != 0 && t.Suspect >= t.Evict {
		t.Suspect = 0
	}
	return nil
}

// Notable reports whether a gap between two contacts is worth a record: it is longer than 1.5
// intervals, or the second policy would have evicted the host.
func (t *Timeouts) Notable(gap int64) bool {
	return gap > int64(t.Interval)*3/2 || t.Shadow > 0 && gap > int64(t.Shadow)
}

// MinTimeout returns the silence up to which no host with these timeouts needs a check; suspect
// says whether the host is suspect. Stalls only add to it. With a history, an answer of the policy
// may be shorter after each contact, but not shorter than the interval.
func (t *Timeouts) MinTimeout(suspect bool) int64 {
	if t.NeedsHistory {
		return int64(t.Interval)
	}
	return t.Wait(suspect)
}

// Wait returns the silence up to which a host needs no check, if these are its own timeouts: those
// of its interval as overridden by its history.
func (t *Timeouts) Wait(suspect bool) int64 {
	timeout := t.Evict
	if !suspect && t.Suspect > 0 && (t.Evict == 0 || t.Suspect < t.Evict) {
		timeout = t.Suspect
	}
	if timeout == 0 {
		return Never
	}
	return int64(timeout)
}

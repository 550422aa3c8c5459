package hostmgr

import (
	"fmt"
	"time"
)

// A DepartureKind says how a registration ended.
type DepartureKind uint8

// The kinds of departures.
const (
	DepartureLeft      DepartureKind = iota + 1 // the host left: the normal end
	DepartureEvicted                            // the abnormal end: silence beyond the timeout, or Registry.Evict
	DepartureReplaced                           // a newer incarnation announced itself
	DepartureForgotten                          // the embedder removed the host, without cleanup
)

// String returns the kind's name in lower case.
func (k DepartureKind) String() string {
	return name([]string{"", "left", "evicted", "replaced", "forgotten"}, int(k))
}

// A Departure is the end of one registration, with the evidence for it. Each registration ends in
// exactly one Departure, which is counted once in Stats and shown at most once to each watcher. Its
// cleanup is repeated until it succeeds or is given up: see Config.Cleanup.
type Departure[M any] struct {
	Kind DepartureKind
	// Host is the host at the end, as this registry knew it. If another member of a shared registry
	// has decided, LastContact and EvictAt may contradict Evidence, which is from that member.
	Host Host[M]
	At   time.Time
	Evidence
	// Attempt numbers the calls of Cleanup for this departure, from 1. It is 0 in an Event. In a
	// departure of Pending it is the number of calls that have begun. After Restore the numbers go
	// on.
	Attempt int
}

// Evidence is the data behind the decision that a host departs. It explains every eviction: see
// Departure.Reason.
type Evidence struct {
	// Silence is the time from the last contact to the departure, less StallTime and BeforeRestore.
	Silence time.Duration
	// Interval and Timeout are the limits that the silence was compared with. A Timeout of zero
	// means that silence alone never evicts the host.
	Interval, Timeout time.Duration
	// Mean, Deviation and Count are the History that the Timeout was computed from. They are zero
	// unless the policy is a HistoryPolicy.
	Mean, Deviation time.Duration
	Count           uint64
	// StallTime is the part of the time since the last contact in which the registry was stalled.
	// It does not count as silence.
	StallTime time.Duration
	// BeforeRestore is the time from the last contact to Registry.Restore, if no contact came since
	// then. It does not count as silence, because no registry observed the host.
	BeforeRestore time.Duration
	// HeldFor is how long the host was held after it was due, less stalls. Hold says why it was
	// held.
	HeldFor time.Duration
	Hold    HoldReason
	// Judgement is the reason that the embedder gave to Registry.Evict. It is empty if silence
	// ended the registration.
	Judgement string
}

// Reason explains in one sentence why the host departed. The text is for logs and pages, not for
// parsing.
func (d Departure[M]) Reason() string {
	switch d.Kind {
	case DepartureLeft:
		return "it left"
	case DepartureEvicted:
		return d.judged() + d.silent()
	case DepartureReplaced:
		return "a newer incarnation announced itself"
	case DepartureForgotten:
		return "removed without cleanup"
	default:
		return ""
	}
}

func (e Evidence) judged() string {
	if e.Judgement == "" {
		return ""
	}
	return "evicted by the embedder: " + e.Judgement + "; "
}

func (e Evidence) silent() string {
	why := fmt.Sprintf("silent for %v, timeout %v at an interval of %v", roundUp(e.Silence), e.Timeout, e.Interval)
	if e.Count > 0 {
		why += fmt.Sprintf(", learned from %d contacts every %v ± %v", e.Count, roundUp(e.Mean), roundUp(e.Deviation))
	}
	if e.StallTime > 0 {
		why += fmt.Sprintf("; not counting a stall of %v", roundUp(e.StallTime))
	}
	if e.BeforeRestore > 0 {
		why += fmt.Sprintf("; not counting %v before it was restored", roundUp(e.BeforeRestore))
	}
	if held := e.Hold.String(); held != "" && !e.heldAsUsual() {
		why += fmt.Sprintf("; held for %v: %s", roundUp(e.HeldFor), held)
	}
	return why
}

// heldAsUsual reports whether only the usual question to the other members held the host.
func (e Evidence) heldAsUsual() bool {
	return e.Hold == HoldReason{confirm: awaitsMembers} && e.HeldFor < time.Second
}

// roundUp rounds up to whole microseconds: so a silence longer than the timeout still reads as
// longer.
func roundUp(d time.Duration) time.Duration {
	return (d + time.Microsecond - 1).Truncate(time.Microsecond)
}

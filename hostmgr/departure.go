package hostmgr

import (
	"fmt"
	"time"
)

// A DepartureKind is how a registration ended.
type DepartureKind uint8

// The kinds of departures.
const (
	DepartureLeft      DepartureKind = iota + 1 // the host left: the normal end
	DepartureEvicted                            // the host was silent beyond its timeout: the abnormal end
	DepartureReplaced                           // a newer incarnation announced itself
	DepartureForgotten                          // the embedder removed the host, without cleanup
)

// String returns the kind's name in lower case.
func (k DepartureKind) String() string {
	return name([]string{"", "left", "evicted", "replaced", "forgotten"}, int(k))
}

// A Departure is the end of one registration, with the evidence for it.
type Departure[M any] struct {
	Kind DepartureKind
	Host Host[M] // as it was at the end, Host.LastContact included
	At   time.Time
	Evidence
	// Attempt counts the tries of this cleanup, from 1.
	Attempt int
}

// Evidence is what a departure rests on.
type Evidence struct {
	// Silence is the time from the last contact to the departure, less StallTime.
	Silence time.Duration
	// Interval and Timeout are what the silence was compared with. A Timeout
	// of zero means that silence alone never evicts this host.
	Interval, Timeout time.Duration
	// Mean, Deviation and Count are those of the History that the Timeout was computed from, if
	// the policy is a HistoryPolicy; otherwise they are zero.
	Mean, Deviation time.Duration
	Count           uint64
	// StallTime is the part of the time since the last contact that does not count,
	// because the registry itself was stalled.
	StallTime time.Duration
	// HeldFor is how long the host stayed after it was due because something
	// held it, and Hold is what that was.
	HeldFor time.Duration
	Hold    HoldReason
}

// Reason says in one sentence why the host departed. It is for logs and pages: do not parse it.
func (d Departure[M]) Reason() string {
	switch d.Kind {
	case DepartureLeft:
		return "it left"
	case DepartureEvicted:
		return d.silent()
	case DepartureReplaced:
		return "a newer incarnation announced itself"
	case DepartureForgotten:
		return "removed without cleanup"
	default:
		return ""
	}
}

func (e Evidence) silent() string {
	why := fmt.Sprintf("silent for %v, timeout %v at an interval of %v", roundUp(e.Silence), e.Timeout, e.Interval)
	if e.Count > 0 {
		why += fmt.Sprintf(", learned from %d contacts every %v ± %v", e.Count, roundUp(e.Mean), roundUp(e.Deviation))
	}
	if e.StallTime > 0 {
		why += fmt.Sprintf("; not counting a stall of %v", roundUp(e.StallTime))
	}
	if held := e.Hold.String(); held != "" {
		why += fmt.Sprintf("; held for %v: %s", roundUp(e.HeldFor), held)
	}
	return why
}

// roundUp returns d in whole microseconds: a silence longer than the timeout reads as longer.
func roundUp(d time.Duration) time.Duration {
	return (d + time.Microsecond - 1).Truncate(time.Microsecond)
}

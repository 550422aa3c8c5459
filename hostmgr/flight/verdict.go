package flight

import (
	"fmt"
	"time"
	"unsafe"
)

// A Verdict is what a policy says of a silence in a log.
type Verdict struct {
	Record
	// Due is the first deadline of the replayed policy that passed without a contact; zero if none
	// did. Record.Due is the same of the policy of the recording.
	Due time.Time
	// Change says what would have been different. It is empty if nothing would have been.
	Change string
}

// String describes the silence, and the change, in one line of printable text.
func (v Verdict) String() string {
	s := fmt.Sprintf("%s %s %q: silent for %v, timeout %v at an interval of %v",
		v.At.Format(time.RFC3339Nano), printable(v.Kind), v.ID, v.At.Sub(v.LastContact)-v.StallTime, v.Timeout, v.History.Interval)
	if v.By != "" {
		s += "; held: " + printable(v.By)
	}
	if v.Judgement != "" {
		s += "; evicted by the embedder: " + printable(v.Judgement)
	}
	if v.Change != "" {
		s += "; " + printable(v.Change)
	}
	return s
}

// size is about the memory of a verdict that waits, in bytes.
func (v *Verdict) size() int {
	const entry = 64 // in the map, and in the list of verdicts that are ready
	return entry + int(unsafe.Sizeof(*v)) + len(v.ID) + len(v.Zone) + len(v.By) + len(v.Judgement) + len(v.Policy)
}

// change says how the two deadlines of a verdict differ.
func (v *Verdict) change() string {
	switch before, now := v.Record.Due, v.Due; {
	case now.IsZero():
		return "would not have been due"
	case before.IsZero() && v.Kind == "late":
		return fmt.Sprintf("would have been evicted, and had a contact %v after", v.At.Sub(now))
	case before.IsZero():
		return fmt.Sprintf("would have been evicted %v before", v.At.Sub(now))
	case now.Before(before):
		return fmt.Sprintf("would have been due %v earlier", before.Sub(now))
	default:
		return v.later()
	}
}

// later says how much later an eviction would have come, if at all.
func (v *Verdict) later() string {
	if v.Due.IsZero() {
		return "would not have been evicted"
	}
	return fmt.Sprintf("would have been due %v later", v.Due.Sub(v.Record.Due))
}

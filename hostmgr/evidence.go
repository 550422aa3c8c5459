package hostmgr

import (
	"fmt"
	"time"
)

// Evidence is what a departure rests on.
type Evidence struct {
	// Silence is the time from the last sign of life to the departure, less Excused.
	Silence time.Duration
	// Interval and Patience are what the silence was held against. A Patience
	// of zero means that silence alone never evicts this host.
	Interval, Patience time.Duration
	// Mean, Deviation and Beats are what the Patience was learned from, if it was: see Pulse.
	Mean, Deviation time.Duration
	Beats           uint64
	// Excused is how much of the time since the last sign of life was not
	// counted, because the registry was not listening.
	Excused time.Duration
	// HeldFor is how long the host stayed after it was due because something
	// held it, and HeldBy what that was.
	HeldFor time.Duration
	HeldBy  string
}

// Reason says in a sentence for people why a host departed in such a way: for logs and
// pages, not to be parsed.
func (e Evidence) Reason(k Kind) string {
	switch k {
	case Left:
		return "it said so"
	case Evicted:
		return e.silent()
	case Replaced:
		return "a newer incarnation announced itself"
	case Forgotten:
		return "removed without cleanup"
	default:
		return ""
	}
}

func (e Evidence) silent() string {
	why := fmt.Sprintf("silent for %v, patience %v at an interval of %v", short(e.Silence), e.Patience, e.Interval)
	if e.Beats > 0 {
		why += fmt.Sprintf(", learned from %d beats every %v ± %v", e.Beats, short(e.Mean), short(e.Deviation))
	}
	if e.Excused > 0 {
		why += fmt.Sprintf("; not counting %v in which nobody listened", short(e.Excused))
	}
	if e.HeldBy != "" {
		why += fmt.Sprintf("; held for %v: %s", short(e.HeldFor), e.HeldBy)
	}
	return why
}

// short rounds up: a silence that is longer than a patience reads so.
func short(d time.Duration) time.Duration {
	return (d + time.Microsecond - 1).Truncate(time.Microsecond)
}

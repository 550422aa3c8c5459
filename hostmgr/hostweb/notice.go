package hostweb

import (
	"fmt"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A notice is something that is wrong now, or was in the last minutes.
type notice struct {
	Level string `json:"level"`
	Text  string `json:"text"`
}

const (
	bad  = "bad"
	warn = "warn"

	tardy = 5 * time.Second // what a cleanup may take before the page speaks of it
)

// notices are what somebody who looks during an incident must see first. Recent is the sum of the
// points that are kept: of what has been counted ever, only that is news.
func notices(s hostmgr.Stats, recent point, now time.Time) (list []notice) {
	list = []notice{}
	say := func(level, format string, args ...any) {
		list = append(list, notice{level, fmt.Sprintf(format, args...)})
	}
	if s.Guard != "" {
		say(bad, "The guard holds hosts of every zone: %s.", strings.TrimPrefix(s.Guard, "guard: "))
	}
	for _, z := range s.Zones {
		if z.Guard != "" {
			say(bad, "The guard holds hosts of zone %q: %s.", z.Name, strings.TrimPrefix(z.Guard, "guard: "))
		}
	}
	if s.Held > 0 {
		say(bad, "%s due to be evicted, but held.", are(s.Held, "host"))
	}
	if recent.Returned > 0 {
		say(bad, "%s came back after being evicted: alive all the time, perhaps.", several(recent.Returned, "host"))
	}
	if age := now.Sub(s.CleanupOldest); s.CleanupPending > 0 && age > tardy {
		say(bad, "%s pending, the oldest for %s.", are(s.CleanupPending, "cleanup"), span(age.Truncate(time.Second)))
	}
	if n := s.Suspects - s.Held; n > 0 {
		say(warn, "%s suspect: silent for too long, not given up yet.", are(n, "host"))
	}
	if recent.CleanupFailures > 0 {
		say(warn, "Cleanups failed %s lately: they are tried again.", several(recent.CleanupFailures, "time"))
	}
	if recent.ConfirmFailures > 0 {
		say(warn, "Confirm failed %s lately: whom it was asked about is held.", several(recent.ConfirmFailures, "time"))
	}
	if recent.Stalls > 0 {
		say(warn, "%s lately, in which nobody listened: excused to all hosts.", several(recent.Stalls, "stall"))
	}
	if text := gaps(recent); text != "" {
		say(warn, "%s", text)
	}
	if s.PolicyFaults > 0 {
		say(warn, "The policy gave %s that could not be meant.", several(s.PolicyFaults, "answer"))
	}
	return list
}

// gaps says what the flight recorder lost, and why: there was no room, unless a write failed.
func gaps(recent point) string {
	lost := several(recent.RecordsLost, "record")
	switch {
	case recent.RecorderFailures > 0:
		return fmt.Sprintf("Writes of the flight recorder failed %s lately: %s lost.", several(recent.RecorderFailures, "time"), lost)
	case recent.RecordsLost > 0:
		return fmt.Sprintf("The flight recorder can't keep up: %s lost lately.", lost)
	}
	return ""
}

func are(n int, thing string) string {
	if n == 1 {
		return "1 " + thing + " is"
	}
	return several(n, thing) + " are"
}

// summary is the whole state in a sentence, for those who hear the page.
func summary(s hostmgr.Stats, list []notice) string {
	switch {
	case len(list) > 0:
		return fmt.Sprintf("%s: %d suspect, %d held.", several(s.Hosts, "host"), s.Suspects, s.Held)
	case s.Hosts == 0:
		return "Nobody has announced itself."
	case s.Hosts == 1:
		return "All is well: the one host is heard of."
	default:
		return fmt.Sprintf("All is well: %s, none suspect.", several(s.Hosts, "host"))
	}
}

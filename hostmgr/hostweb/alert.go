package hostweb

import (
	"fmt"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// An alert is a current problem, or a problem of the last 10 minutes.
type alert struct {
	Level string `json:"level"`
	Text  string `json:"text"`
}

const (
	bad  = "bad"
	warn = "warn"

	slowCleanup = 5 * time.Second // a cleanup that is pending for longer is an alert
)

// alerts returns what an operator must see first in an incident. recent is the sum of the points of
// the history, because counters cause an alert only if they rose recently.
func alerts(s hostmgr.Stats, recent point, now time.Time) (list []alert) {
	list = []alert{}
	say := func(level, format string, args ...any) {
		list = append(list, alert{level, fmt.Sprintf(format, args...)})
	}
	if why := limitReason(s.Hold); why != "" {
		say(bad, "The eviction limit holds hosts of all zones: %s.", why)
	}
	for _, z := range s.Zones {
		if why := limitReason(z.Hold); why != "" {
			say(bad, "The eviction limit holds hosts of zone %q: %s.", z.Name, why)
		}
	}
	if s.Held > 0 {
		say(bad, "%s due for eviction, but held.", are(s.Held, "host"))
	}
	if recent.Rejoined > 0 {
		say(bad, "%s rejoined after eviction: probably alive all the time.", several(recent.Rejoined, "host"))
	}
	if age := now.Sub(s.Cleanup.OldestPending); s.Cleanup.Pending > 0 && age > slowCleanup {
		say(bad, "%s pending, the oldest for %s.", are(s.Cleanup.Pending, "cleanup"), span(age.Truncate(time.Second)))
	}
	if n := s.Suspects - s.Held; n > 0 {
		say(warn, "%s suspect: silent for longer than expected, not evicted yet.", are(n, "host"))
	}
	if recent.CleanupFailures > 0 {
		say(warn, "Cleanups failed %s in the last 10 minutes. They are repeated.", several(recent.CleanupFailures, "time"))
	}
	if recent.ConfirmFailures > 0 {
		say(warn, "Confirm failed %s in the last 10 minutes. The hosts of these calls are held.", several(recent.ConfirmFailures, "time"))
	}
	if recent.Stalls > 0 {
		say(warn, "%s in the last 10 minutes. They do not count as silence.", several(recent.Stalls, "stall"))
	}
	if text := lostRecords(recent); text != "" {
		say(warn, "%s", text)
	}
	if s.PolicyErrors > 0 {
		say(warn, "The policy gave %s.", several(s.PolicyErrors, "invalid answer"))
	}
	return list
}

// limitReason is a hold reason without the words that the alert says already.
func limitReason(r hostmgr.HoldReason) string {
	return strings.TrimPrefix(r.String(), "eviction limit: ")
}

// lostRecords says what the flight recorder lost, and why: writes failed, or there was no room.
func lostRecords(recent point) string {
	lost := several(recent.RecordsLost, "record")
	switch {
	case recent.RecorderFailures > 0:
		return fmt.Sprintf("Writes of the flight recorder failed %s in the last 10 minutes: %s lost.", several(recent.RecorderFailures, "time"), lost)
	case recent.RecordsLost > 0:
		return fmt.Sprintf("The flight recorder is too slow: %s lost in the last 10 minutes.", lost)
	}
	return ""
}

func are(n int, thing string) string {
	if n == 1 {
		return "1 " + thing + " is"
	}
	return several(n, thing) + " are"
}

// summary returns the state in a sentence, also for screen readers.
func summary(s hostmgr.Stats, list []alert) string {
	switch {
	case len(list) > 0:
		return fmt.Sprintf("%s: %d suspect, %d held.", several(s.Hosts, "host"), s.Suspects, s.Held)
	case s.Hosts == 0:
		return "No host has announced itself."
	case s.Hosts == 1:
		return "All is well: 1 host, not suspect."
	default:
		return fmt.Sprintf("All is well: %s, none suspect.", several(s.Hosts, "host"))
	}
}

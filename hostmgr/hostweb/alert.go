package hostweb

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// An alert is a current problem, or a problem of the last 10 minutes.
type alert struct {
	Level string `json:"level"`
	Text  string `json:"text"`
	Link  string `json:"link"` // the part of the page that shows more: a relative address
}

const (
	bad  = "bad"
	warn = "warn"

	slowCallback = 5 * time.Second // what waits for a callback for longer is an alert
)

type alertList []alert

func (l *alertList) bad(link, format string, args ...any)  { l.say(bad, link, format, args) }
func (l *alertList) warn(link, format string, args ...any) { l.say(warn, link, format, args) }

func (l *alertList) say(level, link, format string, args []any) {
	*l = append(*l, alert{level, fmt.Sprintf(format, args...), link})
}

// The addresses that alerts link to.
const (
	toDepartures = "#h-departures"
	toFlapping   = "#h-flapping"
	toFigures    = "#h-times"
	toMembers    = "#h-sharing"
	toHeld       = "?state=held#table"
	toSuspects   = "?state=suspect,offline#table"
)

// toZone is the address of the hosts of a zone.
func toZone(name string) string {
	if name == "" {
		return "#h-zones"
	}
	return "?zone=" + url.QueryEscape(name) + "#h-zones"
}

// alerts returns what an operator must see first in an incident: what is bad comes first. recent is
// the sum of the points of the history, because counters cause an alert only if they rose recently.
func alerts(s *hostmgr.Stats, sharing *sharingStats, recent point, now time.Time) []alert {
	list := alertList{}
	list.ofMassEviction(s)
	list.ofRoom(recent)
	list.ofSharing(sharing, s, now)
	list.ofEvictions(s, sharing != nil)
	list.ofIDs(recent)
	list.ofCleanups(s, recent, now)
	list.ofConfirm(s, recent, now)
	list.ofRegistry(s, recent)
	slices.SortStableFunc(list, func(a, b alert) int { return strings.Compare(a.Level, b.Level) })
	return list
}

func (l *alertList) ofEvictions(s *hostmgr.Stats, shared bool) {
	before := len(*l)
	if why := limitReason(s.Hold); why != "" {
		l.bad(toHeld, "The eviction limit holds hosts of all zones: %s%s.", why, until(s.HoldUntil))
	}
	for _, z := range s.Zones {
		if why := limitReason(z.Hold); why != "" {
			l.bad(toZone(z.Name), "The eviction limit holds hosts of zone %q: %s%s.", z.Name, why, until(z.HoldUntil))
		}
	}
	switch {
	case s.Held > 0 && shared && len(*l) == before && s.Confirm.Waiting == 0: // for a moment, at each eviction
		l.warn(toHeld, "%s due for eviction. The other members are asked first.", are(s.Held, "host"))
	case s.Held > 0:
		l.bad(toHeld, "%s due for eviction, but held.%s", are(s.Held, "host"), inQueue(s.Confirm.Waiting))
	}
	if n := s.Suspects - s.Held; n > 0 {
		l.warn(toSuspects, "%s suspect: silent for longer than expected, not evicted yet.", are(n, "host"))
	}
}

// inQueue says how many hosts wait for a call of Confirm.
func inQueue(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return " 1 host waits for Confirm."
	default:
		return fmt.Sprintf(" %s wait for Confirm.", several(n, "host"))
	}
}

func (l *alertList) ofRoom(recent point) {
	if recent.Refused > 0 {
		l.bad(toFigures, "The registry was full: %s refused in the last 10 minutes. MaxHosts is too low, or a client invents ids.", were(recent.Refused, "join"))
	}
}

func (l *alertList) ofIDs(recent point) {
	if recent.Rejoined > 0 {
		l.bad(toFlapping, "%s rejoined after eviction: probably alive all the time.", several(recent.Rejoined, "host"))
	}
	if recent.Conflicts > 0 {
		l.bad(toFigures, "Two machines seem to use one id: %s in the last 10 minutes. The log names the id. Give each machine an id of its own.",
			several(recent.Conflicts, "conflict"))
	}
}

func (l *alertList) ofCleanups(s *hostmgr.Stats, recent point, now time.Time) {
	c := &s.Cleanup
	if age := now.Sub(c.OldestPending); c.Pending > 0 && age > slowCallback {
		l.bad(toFigures, "%s pending, the oldest for %s.%s", are(c.Pending, "cleanup"), wholeSeconds(age), underWay(c.Running, now.Sub(c.OldestRunning)))
	}
	if c.LeftBehind > 0 {
		l.bad(toFigures, "%s left behind: no return within 10 s after the context ended. Later cleanups of the same id wait.", are(c.LeftBehind, "cleanup"))
	}
	if recent.CleanupsGivenUp > 0 {
		l.bad(toFigures, "%s given up in the last 10 minutes: too many of an id whose cleanup fails or hangs were pending.", were(recent.CleanupsGivenUp, "cleanup"))
	}
	if recent.CleanupTimeouts > 0 {
		l.warn(toFigures, "Cleanups exceeded their time limit %s in the last 10 minutes.", several(recent.CleanupTimeouts, "time"))
	}
	if recent.CleanupFailures > 0 {
		l.warn(toFigures, "Cleanups failed %s in the last 10 minutes. They are repeated.", several(recent.CleanupFailures, "time"))
	}
}

// underWay says how many cleanups are under way, and for how long the oldest, if that is long.
func underWay(n int, age time.Duration) string {
	if n == 0 || age <= slowCallback {
		return ""
	}
	return fmt.Sprintf(" %s under way, the oldest for %s.", are(n, "cleanup"), wholeSeconds(age))
}

func (l *alertList) ofConfirm(s *hostmgr.Stats, recent point, now time.Time) {
	if age := now.Sub(s.Confirm.OldestAsked); s.Confirm.Asked > 0 && age > slowCallback {
		l.warn(toFigures, "Confirm has not answered for %s. It is asked about %s.", wholeSeconds(age), several(s.Confirm.Asked, "host"))
	}
	if n := s.Confirm.LeftBehind; n > 0 {
		l.bad(toFigures, "%s of Confirm %s left behind: no return within 10 s after the context ended. At 8 such calls, no host that needs Confirm is evicted.",
			several(n, "call"), be(n))
	}
	if recent.ConfirmFailures > 0 {
		l.warn(toFigures, "Confirm failed %s in the last 10 minutes%s. The hosts of these calls are held.", several(recent.ConfirmFailures, "time"), atLimit(recent.ConfirmTimeouts))
	}
}

// atLimit says how many failures of Confirm were timeouts.
func atLimit(timeouts uint64) string {
	if timeouts == 0 {
		return ""
	}
	return fmt.Sprintf(", %s because of its time limit", several(timeouts, "time"))
}

func (l *alertList) ofRegistry(s *hostmgr.Stats, recent point) {
	if recent.Stalls > 0 {
		l.warn(toFigures, "%s in the last 10 minutes. They do not count as silence.", several(recent.Stalls, "stall"))
	}
	if text := lostRecords(recent); text != "" {
		l.warn(toFigures, "%s", text)
	}
	if s.PolicyErrors > 0 {
		l.warn("#settings", "The policy gave %s.", several(s.PolicyErrors, "invalid answer"))
	}
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

func are(n int, thing string) string { return several(n, thing) + " " + be(n) }

func be(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func were(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing + " was"
	}
	return several(n, thing) + " were"
}

// wholeSeconds formats an age. The page is updated each second, so fractions would flicker.
func wholeSeconds(age time.Duration) string { return span(age.Truncate(time.Second)) }

// until says when the eviction limit gives way, if that is known.
func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ". They are evicted anyway from " + t.UTC().Format("15:04:05 MST") + " on, as far as they stay silent"
}

// summary returns the state in a sentence, also for screen readers.
func summary(s hostmgr.Stats, list []alert) string {
	switch {
	case len(list) > 0:
		return fmt.Sprintf("%s: %d suspect, %d held.", several(s.Hosts, "host"), s.Suspects, s.Held)
	case s.Hosts == 0:
		return noHosts(&s)
	case s.Lost.Evicted > 0:
		return fmt.Sprintf("%s, none suspect. %d of %d evicted in the last 5 min.", several(s.Hosts, "host"), s.Lost.Evicted, s.Lost.Of)
	case s.Hosts == 1:
		return "All is well: 1 host, not suspect."
	default:
		return fmt.Sprintf("All is well: %s, none suspect.", several(s.Hosts, "host"))
	}
}

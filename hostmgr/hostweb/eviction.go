package hostweb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	massEvictions = 10  // a mass eviction has more than these, and
	massShare     = 0.1 // more than this share of the hosts, within 5 minutes
	mostZones     = 3   // that an alert names
)

// isMass reports whether this is a mass eviction, by the rule of the alert in contrib/hostprom.
func isMass(evicted, of int) bool {
	return evicted > massEvictions && float64(evicted) > massShare*float64(of)
}

// A zoneLoss says how many hosts of a zone were evicted in the last 5 minutes.
type zoneLoss struct {
	name        string
	evicted, of int
}

// ofMassEviction says what was evicted in the last 5 minutes, if that was much of all hosts or of
// one zone. This alert is the first one.
func (l *alertList) ofMassEviction(s *hostmgr.Stats) {
	zones, mass := lossesOf(s)
	switch {
	case s.Hosts == 0 && s.Lost.Of == 1 && s.Lost.Evicted > 0:
		l.bad(toDepartures, "No host is registered: the only one was evicted in the last 5 min%s.", listed(zones))
	case s.Hosts == 0 && s.Lost.Evicted > 0:
		l.bad(toDepartures, "No host is registered: %s were, %s evicted in the last 5 min%s.",
			grouped(uint64(s.Lost.Of)), allOf(s.Lost.Evicted, s.Lost.Of), listed(zones))
	case isMass(s.Lost.Evicted, s.Lost.Of):
		l.bad(linkOf(zones), "%s evicted in the last 5 min%s.", affected(s.Lost.Evicted, s.Lost.Of, "hosts"), listed(zones))
	case len(mass) > 0:
		for _, z := range mass[:min(len(mass), mostZones)] {
			l.bad(toZone(z.name), "%s evicted in the last 5 min.", affected(z.evicted, z.of, "hosts of "+zoneName(z.name)))
		}
	case s.Hosts == 0 && s.Departures.Evicted > 0:
		l.warn(toDepartures, "%s", noHosts(s))
	}
}

// lossesOf returns the zones that lost hosts, the worst first, and those that lost many.
func lossesOf(s *hostmgr.Stats) (all, mass []zoneLoss) {
	for _, z := range s.Zones {
		loss := zoneLoss{z.Name, z.Lost.Evicted, z.Lost.Of}
		if loss.evicted > 0 {
			all = append(all, loss)
		}
	}
	slices.SortStableFunc(all, func(a, b zoneLoss) int { return cmp.Compare(b.evicted, a.evicted) })
	for _, z := range all {
		if z.name != "" && isMass(z.evicted, z.of) {
			mass = append(mass, z)
		}
	}
	return all, mass
}

// affected says how many of so many hosts were affected, as a part of a sentence.
func affected(n, of int, things string) string {
	if n > of { // some of them more than once
		return fmt.Sprintf("%s %s were %s times", grouped(uint64(of)), things, grouped(uint64(n)))
	}
	return fmt.Sprintf("%s of %s %s (%s) were", grouped(uint64(n)), grouped(uint64(of)), things, percent(n, of))
}

func percent(n, of int) string {
	switch p := 100 * float64(n) / float64(of); {
	case n < of && p > 99:
		return "99 %"
	case p < 1:
		return "less than 1 %"
	default:
		return fmt.Sprintf("%.0f %%", p)
	}
}

func allOf(n, of int) string {
	if n >= of {
		return "all"
	}
	return grouped(uint64(n))
}

// listed names the zones with the greatest losses.
func listed(zones []zoneLoss) string {
	var parts []string
	for _, z := range zones[:min(len(zones), mostZones)] {
		if z.name != "" || len(zones) > 1 {
			parts = append(parts, fmt.Sprintf("%s of %s of %s", grouped(uint64(z.evicted)), grouped(uint64(z.of)), zoneName(z.name)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	if more := len(zones) - mostZones; more > 0 {
		parts = append(parts, "and hosts of "+several(more, "more zone"))
	}
	return ": " + strings.Join(parts, ", ")
}

// linkOf is the address of the zone that lost hosts, if it is only one.
func linkOf(zones []zoneLoss) string {
	if len(zones) == 1 {
		return toZone(zones[0].name)
	}
	return toDepartures
}

func zoneName(name string) string {
	if name == "" {
		return "no zone"
	}
	return "zone " + name
}

// noHosts says what has become of the hosts that there were.
func noHosts(s *hostmgr.Stats) string {
	if s.Joins == 0 {
		return "No host has announced itself."
	}
	return fmt.Sprintf("No host is registered. Since the start %s joined, %s left, and the registry evicted %s%s.",
		several(s.Joins, "host"), grouped(s.Departures.Left), grouped(s.Departures.Evicted), lastEviction(s))
}

func lastEviction(s *hostmgr.Stats) string {
	if s.Lost.Last.IsZero() {
		return ""
	}
	return ", the last one on " + s.Lost.Last.UTC().Format("2006-01-02 at 15:04:05 MST")
}

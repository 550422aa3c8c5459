package replay

import (
	"strconv"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// maxPolicyName bounds names of policies: a log may have one of 64 KiB.
const maxPolicyName = 100

// A family is policies of one kind, with different parameters.
type family struct {
	name, about string
	curve       string // policies that show what the parameter does
	parse       func(parameters string) (hostmgr.Policy, bool)
}

// families are all families.
var families = []family{
	{
		name:  "fixed",
		about: "fixed:N                evicted when silent for more than N intervals (hostmgr.Fixed)",
		curve: "fixed:1.5,fixed:2,fixed:3,fixed:4,fixed:6,fixed:10,fixed:20,fixed:40,fixed:120",
		parse: func(s string) (hostmgr.Policy, bool) {
			n, err := strconv.ParseFloat(s, 64)
			return hostmgr.Fixed(n), err == nil
		},
	},
	{
		name:  "tiered",
		about: "tiered:JITTER/OFFLINE  suspect, and evicted, when overdue by more than this (hostmgr.Tiered)",
		curve: "tiered:5s/15s,tiered:15s/1m,tiered:30s/2m,tiered:30s/5m,tiered:30s/10m,tiered:30s/30m,tiered:30s/1h",
		parse: func(s string) (hostmgr.Policy, bool) {
			d, ok := durations(s, 2)
			return hostmgr.Tiered{Jitter: d[0], Offline: d[1]}, ok
		},
	},
	{
		name: "phi",
		about: "phi:X                  uses each host's arrival history: suspect at a phi of X (hostmgr.PhiAccrual)\n" +
			"phi:X/MIN/MAX          likewise, and evicted when overdue by MIN to MAX",
		curve: "phi:2,phi:8,phi:32,phi:128",
		parse: parsePhi,
	},
}

func parsePhi(s string) (hostmgr.Policy, bool) {
	phi, limits, bounded := strings.Cut(s, "/")
	x, err := strconv.ParseFloat(phi, 64)
	d, ok := durations(limits, 2)
	return hostmgr.PhiAccrual{Threshold: x, MinOverdue: d[0], MaxOverdue: d[1]}, err == nil && (ok || !bounded)
}

// A contender is a policy that is played.
type contender struct {
	name   string
	family int
	policy hostmgr.Policy
}

func parsePolicy(name string) (contender, bool) {
	if len(name) > maxPolicyName {
		return contender{}, false
	}
	of, parameters, _ := strings.Cut(name, ":")
	for i, f := range families {
		if f.name == of {
			p, ok := f.parse(parameters)
			return contender{name, i, p}, ok
		}
	}
	return contender{}, false
}

// durations reads n durations, separated by slashes.
func durations(s string, n int) (found []time.Duration, ok bool) {
	found = make([]time.Duration, n)
	parts := strings.Split(s, "/")
	for i, part := range parts[:min(n, len(parts))] {
		d, err := time.ParseDuration(part)
		if err != nil {
			return found, false
		}
		found[i] = d
	}
	return found, len(parts) == n
}

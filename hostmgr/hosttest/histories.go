package hosttest

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// zones are the zones of the histories: none, a usual one, and hostile ones.
var zones = []string{"", "a", "\xff\x00 %s", strings.Repeat("z", 300)}

// common are intervals that embedders use. A policy may have a table of them, and faults are likely
// at its bounds.
var common = []time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, time.Hour,
}

// intervals are what a host may announce, from the shortest to the longest.
func intervals() []time.Duration {
	const shortest, longest = 10 * time.Millisecond, 24 * time.Hour
	in := []time.Duration{shortest, shortest + 1}
	for d := 2 * shortest; d < longest; d = d*3/2 + 1 {
		in = append(in, d)
	}
	in = append(in, common...)
	slices.Sort(in)
	return append(in, longest-1, longest)
}

// histories returns histories of hosts that have just joined. If needs is true, it adds hosts with
// all kinds of gaps.
func histories(needs bool) []hostmgr.History {
	var all []hostmgr.History
	for _, interval := range intervals() {
		for _, zone := range zones {
			all = append(all, hostmgr.History{Interval: interval, Zone: zone})
		}
		if needs {
			all = append(all, gaps(interval)...)
		}
	}
	return all
}

// gaps returns histories with one interval, of usual gaps, and of the least and the greatest ones.
func gaps(interval time.Duration) (all []hostmgr.History) {
	for _, mean := range []time.Duration{0, 1, interval / 2, interval, 3 * interval, math.MaxInt64} {
		for _, deviation := range []time.Duration{0, 1, interval / 8, 2 * interval, math.MaxInt64} {
			for _, count := range []uint64{0, 1, 7, 8, 1000, math.MaxUint64} {
				for _, evictions := range []int{0, 1, math.MaxInt} {
					all = append(all, hostmgr.History{
						Interval: interval, Mean: mean, Deviation: deviation, Count: count, Evictions: evictions,
					})
				}
			}
		}
	}
	return all
}

package cluster

import (
	"strconv"
	"strings"
	"time"
)

// A tally is what the schedulers have seen during a scenario.
type tally struct {
	Evictions  int   `json:"evictions"`
	Wrong      int   `json:"wrong_evictions"`
	Departures []int `json:"departures_seen"` // by each scheduler
	Shared     int   `json:"shared_cleanups"`
	Again      int   `json:"shared_cleanups_again"` // of these, of a departure that had one already
}

const settleLimit = 10 * time.Second // for the departures and the shared cleanups at the end of a scenario

// beginTally begins a tally. The returned function ends it, when all schedulers have seen all departures
// and each has had its shared cleanup, or after a while.
func (t *trial) beginTally() (end func(*findings) *tally) {
	from, seen, shared := t.log.departedSoFar(), t.log.departuresSeen(), t.log.sharedCleanups()
	return func(f *findings) *tally {
		var ds []line
		var missing int
		_ = t.until(settleLimit, func() bool {
			ds = t.log.departures(from)
			missing = withoutCleanup(ds, since(shared, t.log.sharedCleanups()))
			return t.seenByAll(from) && missing == 0
		})
		after := since(shared, t.log.sharedCleanups())
		w := &tally{Shared: len(after), Again: len(after) - distinct(after)}
		for i, n := range t.log.departuresSeen() {
			w.Departures = append(w.Departures, n-seen[i])
		}
		for _, d := range ds {
			w.Evictions += count(d.Kind == "evicted")
			w.Wrong += count(d.Kind == "evicted" && t.isWrong(d))
		}
		f.check(t.seenByAll(from), "not all schedulers have seen all of %d departures", len(ds))
		f.check(missing == 0, "%d departures have had no shared cleanup", missing)
		f.check(w.Wrong == 0, "%d evictions of hosts that a scheduler had heard within the timeout", w.Wrong)
		return w
	}
}

// since returns the lines of all schedulers that are not in an earlier state.
func since(before, after [][]line) (ls []line) {
	for i := range after {
		ls = append(ls, after[i][len(before[i]):]...)
	}
	return ls
}

func distinct(cleanups []line) int {
	registrations := map[string]bool{}
	for _, c := range cleanups {
		registrations[c.Registration] = true
	}
	return len(registrations)
}

func withoutCleanup(ds, cleanups []line) (n int) {
	done := map[string]bool{}
	for _, c := range cleanups {
		done[c.Registration] = true
	}
	for _, d := range ds {
		n += count(!done[d.Registration])
	}
	return n
}

// isWrong tells whether a host was evicted too early: by the evidence of the scheduler, or by what
// the host has logged. A peer logs an announce when it has the answer, and an attempt may take a
// quarter of the interval. So the scheduler may have heard it that much earlier.
func (t *trial) isWrong(d line) bool {
	interval := t.cfg.Interval
	if isMass(d.Host) {
		interval = t.cfg.MassInterval
	}
	timeout := t.cfg.timeout(interval) - slop
	if max(d.At.Sub(d.LastContact), d.Silence) < timeout { // the scheduler that knew the contact may be gone
		return true
	}
	for _, a := range t.log.announces(d.Host) {
		heard := a.Time.Add(-interval / 4)
		if a.Registration == d.Registration && !a.Time.After(d.At) && d.At.Sub(heard) < timeout {
			return true
		}
	}
	return false
}

// separated returns numbers as text.
func separated(ns []int) string {
	var parts []string
	for _, n := range ns {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, "/")
}

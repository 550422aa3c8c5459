// Package measure puts registries to work, and says what that took.
package measure

import "github.com/hostlife/hostlife/benchmarks/internal/report"

// A Measure is one figure that a registry is asked for.
type Measure struct {
	report.Table
	unit string
}

func less(name, unit, about string, notes ...string) Measure {
	return Measure{report.Table{Measure: name, About: about, Notes: notes}, unit}
}

func more(name, unit, about string, notes ...string) Measure {
	m := less(name, unit, about, notes...)
	m.More = true
	return m
}

// underRun is what hostlife's Run does for heartbeats when there are many.
const underRun = "hostlife: under Run, which lends heartbeats the time while they are many; by hand: each reads the clock"

// InEachBeat is why a sweep of some is nothing but a look at the first in line.
const inEachHeartbeat = "heap, ttlcache: ordered by deadline already, which every heartbeat of theirs pays for"

// All lists the measures in the order of their tables.
var All = []Measure{
	less("limits", "ns", "the machine: clock (time.Since), now (time.Now), a dependent random access of 512 MiB, a scan of n words",
		"swap, swap_par: a clock reading, a hash of an id and a swap in a cache line of n: no heartbeat by id that reads the clock can do less"),
	less("beat_1", "ns", "a heartbeat of a random host by id, on one goroutine", underRun,
		"otter: a heartbeat that would move the deadline by less than 1 s writes nothing"),
	less("beat_par", "ns", "a heartbeat of a random host by id, on GOMAXPROCS goroutines (time / heartbeats of all)", underRun,
		"otter: a heartbeat that would move the deadline by less than 1 s writes nothing"),
	less("sweep_idle", "us", "a sweep with nothing due", inEachHeartbeat),
	less("sweep_rearm", "ms", "a sweep that finds all first deadlines past, and everyone alive", inEachHeartbeat),
	more("evict_all", "hosts/s", "a mass death: from the sweep that finds all due until none is there",
		"hostlife: with a watcher that follows the events, which no other peer has"),
	less("beat_p99_during_evict", "us", "the 99th percentile of a live host's heartbeat while 90% are evicted",
		"of the heartbeats that came: one that waits for a lock keeps those after it from coming"),
	less("beat_max_during_evict", "us", "the longest of a live host's heartbeats while 90% are evicted",
		"on a processor: but for heartbeats of less than 10 ms during which the kernel gave their thread's processor to another one (Linux)"),
	less("bytes_per_host", "B", "live heap, with the id of 64 bytes and a pointer of metadata"),
	less("objects_per_host", "objects", "live heap objects, metadata apart"),
	less("gc_ms", "ms", "a forced runtime.GC with all registered"),
	less("announce", "ns", "a join, while n hosts register in an empty registry"),
	less("announce_again", "ns", "a refresh of a random known host with its metadata"),
	less("leave", "ns", "a leave, while all do in random order"),
	less("sample_16", "us", "16 hosts", "all but hostlife range, so they show neighbours, or the same ones again, not random hosts"),
	less("heap_after_evict", "%", "live heap after all died, of what it was before",
		"timers: each fires on a goroutine of its own, and Go keeps what describes a goroutine"),
}

// Find returns the measure of that name.
func Find(name string) (Measure, bool) {
	for _, m := range All {
		if m.Measure == name {
			return m, true
		}
	}
	return Measure{}, false
}

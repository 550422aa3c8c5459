// Package measure runs the same work on each registry and measures it.
package measure

import "github.com/hostlife/hostlife/benchmarks/internal/report"

// A Measure is one figure of a registry.
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

// underRun says why hostlife has two rows: Run should not slow heartbeats down.
const underRun = "hostlife: while Run runs; by hand: without Run"

// inEachHeartbeat says why sweeps of some peers only look at their first deadline.
const inEachHeartbeat = "heap, ttlcache: ordered by deadline already, which every heartbeat of theirs pays for"

// All lists the measures in the order of their tables.
var All = []Measure{
	less("limits", "ns", "the machine: clock (time.Since), now (time.Now), a dependent random access of 512 MiB, a scan of n words",
		"swap, swap_par: a clock reading, a hash of an id and a swap in a cache line of n: no heartbeat by id that reads the clock can do less"),
	less("beat_1", "ns", "a heartbeat of a random host by id, on one goroutine", underRun,
		"otter: a heartbeat that would move the deadline by less than 1 s writes nothing"),
	less("beat_par", "ns", "a heartbeat of a random host by id, on GOMAXPROCS goroutines (time / heartbeats of all)", underRun,
		"otter: a heartbeat that would move the deadline by less than 1 s writes nothing"),
	less("beat_batch", "ns", "a heartbeat of a random host by id, in batches of 64 on one goroutine", underRun,
		"hostlife: by Heartbeats, with the answers; the peers take heartbeats one by one"),
	less("sweep_idle", "us", "a sweep with nothing due", inEachHeartbeat),
	less("sweep_rearm", "ms", "a sweep that finds all first deadlines past, and no host to evict", inEachHeartbeat),
	more("evict_all", "hosts/s", "a mass eviction: from the sweep that finds all hosts due until none is left",
		"hostlife: with a watcher that follows the events, which no other peer has"),
	less("beat_p99_during_evict", "us", "the 99th percentile of a live host's heartbeat while 90% are evicted",
		"of the heartbeats that were made: one that waits for a lock delays those after it"),
	less("beat_max_during_evict", "us", "the longest of a live host's heartbeats while 90% are evicted",
		"on a processor: without heartbeats of less than 10 ms during which the kernel gave the processor to another thread (Linux)"),
	less("bytes_per_host", "B", "live heap, with the id of 64 bytes and a pointer of metadata"),
	less("objects_per_host", "objects", "live heap objects, metadata apart"),
	less("gc_ms", "ms", "a forced runtime.GC with all registered"),
	less("announce", "ns", "a join, while n hosts register in an empty registry"),
	less("announce_again", "ns", "a refresh of a random known host with its metadata"),
	less("leave", "ns", "a leave, while all do in random order"),
	less("sample_16", "us", "16 hosts", "the peers use Range, so they return neighbours or the same hosts again, not random ones"),
	less("metadata", "ns", "the metadata of a random host by id, without a contact, on one goroutine",
		"hostlife: Metadata; syncmap, dragonfly: sync.Map.Load and an atomic load; otter: GetEntryQuietly"),
	less("range_metadata", "ns", "the id and metadata of one host, in a loop over all",
		"hostlife: AllMetadata; syncmap, dragonfly: sync.Map.Range; gocache copies its map first",
		"rwmutex: the lock is held over the loop; ttlcache: it is taken for each host"),
	less("heap_after_evict", "%", "live heap after all were evicted, as a share of before",
		"timers: each fires on its own goroutine, and Go keeps the memory of goroutines"),
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

package cluster

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/hostlife/hostlife/examples/internal/peerd"
)

// peersRight tells whether the peers of the hosts that died are gone. A host that has gone to another
// scheduler meanwhile has its peers on both.
func (t *trial) peersRight(before, after line) bool {
	if t.isShared() {
		return after.Peers <= len(t.schedulers)*replicas*after.Hosts
	}
	return after.Peers == before.Peers
}

const sharedMassLag = 5 * time.Second

// massExit starts one process that is very many hosts, and kills it, while the peers run on. All of its
// hosts must be evicted, each once, and no other host. The scheduler's heap must return to its size.
func (t *trial) massExit(f *findings) result {
	judge := t.witness(f, isMass)
	before := t.status()
	from := t.log.departedSoFar()
	if t.over() {
		return result{}
	}
	p, err := t.startPeer(mass, t.cfg.MassInterval, "-hosts", fmt.Sprint(t.cfg.Mass), "-peers", fmt.Sprint(massReplicas))
	if err != nil {
		f.check(false, "%v", err)
		return result{Detail: f.detail("")}
	}
	t.joinMass(f, before)
	full := t.status()
	if t.over() {
		return result{}
	}
	early := t.log.departedSoFar() - from
	f.check(early == 0, "%d hosts departed before the kill: too many for this machine", early)
	t.timeline.event("SIGKILL", mass, "%d hosts with %d peers at once, heap %s", full.Hosts-before.Hosts, full.Peers-before.Peers, mib(full.Heap))
	killed := time.Now()
	p.signal(os.Kill)
	t.drainMass(from)
	bound := t.heapBound(before.Heap)
	after := t.settled(bound)
	if t.over() {
		return result{}
	}
	judge()
	f.massExit(t.log.departures(from), t.massIDs(), t.massTerms(after.Stalls > before.Stalls), killed)
	t.askAbout(f)
	f.check(after.Hosts == before.Hosts && t.peersRight(before, after), "the scheduler holds %d hosts and %d peers, held %d and %d before",
		after.Hosts, after.Peers, before.Hosts, before.Peers)
	f.check(after.Heap <= bound, "heap %s after, %s before: above %s", mib(after.Heap), mib(before.Heap), mib(bound))
	return summary(f, t.log.departures(from), before, full, after)
}

// heapBound is the limit of the heap after a mass departure: 512 KiB above its size before, for the
// buffers of a busy gRPC server, and what the registry remembers of the latest 32,768 evictions for
// 5 minutes. A scheduler that shares its hosts keeps more, up to 1.5 KiB for each host.
func (t *trial) heapBound(before uint64) uint64 {
	remembered := uint64(min(t.cfg.Mass, 32_768))
	if !t.isShared() {
		return before + 512<<10 + 128*remembered
	}
	return before + uint64(len(t.schedulers))*(512<<10+1536*remembered)
}

// joinMass waits until all hosts have joined and registered their peers.
func (t *trial) joinMass(f *findings, before line) {
	hosts, n := before.Hosts+t.cfg.Mass, 0
	progress := t.every(time.Second, mass)
	err := poll(t.ctx, 200*time.Millisecond, 5*time.Second+5*t.cfg.MassInterval, func() bool {
		n = t.listedByAll()
		progress("joined", "%d of %d", n-before.Hosts, t.cfg.Mass)
		return n >= hosts && t.status().Peers >= before.Peers+massReplicas*t.cfg.Mass
	})
	f.check(err == nil, "%d of %d hosts joined", n-before.Hosts, t.cfg.Mass)
}

// drainMass waits until all hosts have departed.
func (t *trial) drainMass(from int) {
	progress := t.every(time.Second, mass)
	t.timeline.wait("for the first of %d hosts to be evicted", t.cfg.Mass)
	limit := t.cfg.timeout(t.cfg.MassInterval) + 5*time.Second + 2*t.massTerms(true).lag
	_ = poll(t.ctx, 50*time.Millisecond, limit, func() bool {
		n := t.log.departedSoFar() - from
		if n > 0 {
			progress("evicted", "%d of %d", n, t.cfg.Mass)
		}
		return n >= t.cfg.Mass && t.seenByAll(from)
	})
}

// settled returns the status when all shared cleanups have been done and the heap is within a bound,
// or after a while. On a busy machine the schedulers still answer and log what happened.
func (t *trial) settled(heap uint64) (l line) {
	_ = poll(t.ctx, 200*time.Millisecond, settleLimit, func() bool {
		l = t.status()
		return l.Owed == 0 && l.Heap <= heap
	})
	return l
}

// every returns a function that prints progress, at most once every d.
func (t *trial) every(d time.Duration, host string) func(what, format string, args ...any) {
	last := time.Now()
	return func(what, format string, args ...any) {
		if time.Since(last) >= d {
			last = time.Now()
			t.timeline.event(what, host, format, args...)
		}
	}
}

// askAbout checks by the API that the hosts, and some of their peers, are gone.
func (t *trial) askAbout(f *findings) {
	listed := t.list()
	f.check(len(listed) == len(t.peers), "%d hosts are listed, not the %d peers", len(listed), len(t.peers))
	ids, found := t.massIDs(), 0
	for i := 0; i < len(ids); i += max(1, len(ids)/100) {
		found += count(!t.freed(ids[i], 1))
	}
	f.check(found == 0, "%d of some 100 peers that StatPeer was asked about are still there", found)
}

func (t *trial) massIDs() []string {
	c := peerd.Config{ID: mass, Hosts: t.cfg.Mass}
	ids := make([]string, t.cfg.Mass)
	for i := range ids {
		ids[i] = c.HostID(i)
	}
	return ids
}

// massExit checks the departures of ids: each once, none too early, none too late.
func (f *findings) massExit(ds []line, ids []string, t terms, killed time.Time) {
	times := map[string]int{}
	early, late, other, unfreed := 0, 0, 0, 0
	for _, d := range ds {
		times[d.Host]++
		due := d.LastContact.Add(t.timeout)
		early += count(d.At.Before(due.Add(-slop)) || d.At.Before(killed))
		late += count(d.Cleaned.Sub(d.Deadline) > t.lag || d.Deadline.Sub(due) > t.grace(d.StallTime))
		other += count(d.Kind != "evicted")
		unfreed += count(d.Freed != massReplicas)
	}
	wrong := 0
	for _, id := range ids {
		wrong += count(times[id] != 1)
	}
	f.check(wrong == 0, "%d of %d hosts did not depart exactly once", wrong, len(ids))
	f.check(early == 0, "%d were evicted too early", early)
	f.check(late == 0, "%d were not clean %s after their deadline", late, short(t.lag))
	f.check(other == 0, "%d were not evicted but left or were replaced", other)
	f.check(unfreed == 0, "the peers of %d were not freed with them", unfreed)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// summary returns the figures: the lags of single hosts, and how fast all were evicted. They are not due
// at the same time, because their announces are spread.
func summary(f *findings, ds []line, before, full, after line) result {
	if len(ds) == 0 {
		return result{Detail: f.detail("")}
	}
	lags, detects := make([]time.Duration, len(ds)), make([]time.Duration, len(ds))
	for i, d := range ds {
		lags[i], detects[i] = d.Cleaned.Sub(d.Deadline), d.At.Sub(d.LastContact)
	}
	slices.Sort(lags)
	due := spread(ds, func(d line) (from, to time.Time) { return d.Deadline, d.Deadline })
	drain := spread(ds, func(d line) (from, to time.Time) { return d.At, d.Cleaned })
	return result{
		Detect: ms(slices.Max(detects)), Lag: ms(lags[len(lags)-1]),
		Detail: f.detail("%d evicted, due over %s, evicted and cleaned up over %s (%.0f/s), lag p50 %s, p99 %s, max %s; heap %s, with them %s, after %s",
			len(ds), short(due), short(drain), float64(len(ds))/drain.Seconds(), short(lags[len(lags)/2]), short(lags[len(lags)*99/100]),
			short(lags[len(lags)-1]), mib(before.Heap), mib(full.Heap), mib(after.Heap)),
	}
}

// spread returns the time from the earliest from to the latest to.
func spread(ds []line, span func(line) (from, to time.Time)) time.Duration {
	first, last := span(ds[0])
	for _, d := range ds {
		from, to := span(d)
		if from.Before(first) {
			first = from
		}
		if to.After(last) {
			last = to
		}
	}
	return last.Sub(first)
}

package hostmgr

import (
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/histogram"
)

// Stats are a registry's figures at one moment: numbers of hosts are those that are there
// now, counts and distributions are of all since the registry was made.
type Stats struct {
	Hosts    int // there now
	Suspects int // of them, those that a sweep found suspect and that were not heard since
	Held     int // of them, those that were due at the last look but held

	// Zones are the same by zone: of those that have hosts, in the order of their names.
	Zones []ZoneStats
	// Guard says why the guard holds hosts of any zone; empty if it holds none, or only zone by
	// zone.
	Guard string

	// Advised is the interval that the Cadence advises now; 0 without one.
	Advised time.Duration

	Joins uint64 // lives begun: each ends in one of the four departures
	// Departures by kind. Left is the normal one, Evicted the abnormal.
	Left, Evicted, Replaced, Forgotten uint64
	// Returned counts the joins of ids that had been evicted within the 5 minutes before: so
	// many evictions were of hosts that lived, or were started again. More than 98 % of the
	// latest 32,768 evictions are remembered, and of those before up to as many again; an id
	// that was not evicted is taken for one that was in one of 65,536 joins, at most.
	Returned uint64

	Suspected uint64 // events of that kind: a sweep found a host suspect, or due
	Recovered uint64 // likewise: a suspect was heard again

	// HeldByGuard and HeldByConfirm count evictions that were put off, each host once for
	// each time that it was due: by the guard when it decides so, by Confirm when it leaves the
	// host out, or fails. Host.Held and Evidence.HeldBy say why in each case.
	HeldByGuard, HeldByConfirm uint64

	CleanupPending  int       // departed hosts whose cleanup has not succeeded yet, now
	CleanupOldest   time.Time // when the first of them departed; zero if there is none
	CleanupFailures uint64    // tries that returned an error, panicked or ended their goroutine
	ConfirmFailures uint64    // likewise
	PolicyFaults    uint64    // answers of the policy, or the shadow, that could not be meant

	Sweeps  uint64
	Stalls  uint64
	Excused time.Duration // the length of all stalls

	// Records counts what the Recorder was given, RecordsLost what found no room or was in a
	// Write that failed, and RecorderFailures those.
	Records, RecordsLost, RecorderFailures uint64

	// LogLinesLost counts lines that the Logger was not told, or failed on.
	LogLinesLost uint64

	// Shadow is what the second policy would have done; all zero without one.
	Shadow ShadowStats

	// Detection is the time from the last sign of life to the eviction; recorded when a host is
	// evicted. It has in it whatever put that off: a stall, the guard, Confirm.
	Detection histogram.Snapshot[time.Duration]
	// CleanupAfterLeave is the time from a leave to the end of its cleanup, and
	// CleanupAfterEviction that from the deadline of a host that was evicted; recorded when a
	// cleanup succeeds. Without Config.Cleanup there are none.
	CleanupAfterLeave, CleanupAfterEviction histogram.Snapshot[time.Duration]
	// SweepDuration is that of sweeps, without Confirm and cleanups; recorded at the end of one
	// that some deadline was due for. One that finds nothing to look at takes next to no time.
	SweepDuration histogram.Snapshot[time.Duration]
	// PeriodJitter is how much later than planned a sweep of Run began; recorded when one
	// begins that Run waited for. PeriodJitterShare is the same as a share of the time that it
	// meant to wait. Of sweeps by hand the registry knows no plan: gc.TaskStats has theirs.
	PeriodJitter      histogram.Snapshot[time.Duration]
	PeriodJitterShare histogram.Snapshot[float64]
}

// ZoneStats are how the hosts of a zone fare now.
type ZoneStats struct {
	Name                  string
	Hosts, Suspects, Held int
	// Guard says why the guard holds hosts of this zone on the zone's own account; empty if
	// it does not.
	Guard string
}

func (s *Stats) departed(k Kind) {
	switch k {
	case Left:
		s.Left++
	case Evicted:
		s.Evicted++
	case Replaced:
		s.Replaced++
	default:
		s.Forgotten++
	}
}

// Stats returns the figures as they are now. What it costs does not depend on how many hosts
// there are: some 10 microseconds, with a lock held, for each distribution that has values.
func (r *Registry[M]) Stats() Stats {
	now := r.rlock()
	s := r.counts
	s.Hosts, s.Suspects, s.Held = r.zones.all.hosts, r.zones.all.suspects, r.zones.all.held
	s.Zones, s.Guard = r.zones.stats(r.cfg.Guard), r.zones.all.holding(r.cfg.Guard, true)
	s.Advised = r.metronome.interval(now)
	s.Stalls, s.Excused = r.ledger.count, time.Duration(r.ledger.total)
	s.Shadow = r.shadow.snapshot()
	r.figures.fill(&s)
	r.mu.RUnlock()
	r.clean.count(&s)
	s.PolicyFaults, s.LogLinesLost = r.judge.faults.Load(), r.log.Lost()
	return s
}

func (zs *zones) stats(g Guard) (list []ZoneStats) {
	for i := range zs.list {
		if z := &zs.list[i]; z.hosts > 0 {
			list = append(list, ZoneStats{z.name, z.hosts, z.suspects, z.held, z.holding(g, false)})
		}
	}
	slices.SortFunc(list, func(a, b ZoneStats) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// figures are the distributions that the registry itself records. Guarded by Registry.mu.
type figures struct {
	detection, sweep, jitter histogram.Histogram[time.Duration]
	share                    histogram.Histogram[float64]
}

func (f *figures) fill(s *Stats) {
	s.Detection, s.SweepDuration = f.detection.Snapshot(), f.sweep.Snapshot()
	s.PeriodJitter, s.PeriodJitterShare = f.jitter.Snapshot(), f.share.Snapshot()
}

// woke records that Run began to wait for a sweep, planned it, and is awake now.
func (f *figures) woke(began, planned, now int64) {
	late := max(0, now-planned)
	f.jitter.Record(time.Duration(late))
	f.share.Record(float64(late) / float64(planned-began))
}

// latencies are the distributions of cleanups. Guarded by cleaner.mu.
type latencies struct {
	left, evicted histogram.Histogram[time.Duration]
}

func (l *latencies) record(k Kind, d int64) {
	switch k {
	case Left:
		l.left.Record(time.Duration(d))
	case Evicted:
		l.evicted.Record(time.Duration(d))
	}
}

func (l *latencies) fill(s *Stats) {
	s.CleanupAfterLeave, s.CleanupAfterEviction = l.left.Snapshot(), l.evicted.Snapshot()
}

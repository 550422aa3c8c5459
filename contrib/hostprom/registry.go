package hostprom

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

// The classic buckets, in seconds. README.md says what each is chosen for.
var (
	detectionBounds = []float64{0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 90, 120, 180, 300, 360, 600, 1800, 3600}
	cleanupBounds   = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600}
	sweepBounds     = []float64{0.00001, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5}
	jitterBounds    = []float64{0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10}
	shareBounds     = []float64{0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 10} // in 1
)

type (
	stats     = hostmgr.Stats
	durations = histogram.Snapshot[time.Duration]
	ratios    = histogram.Snapshot[float64]
)

// of describes a figure of a registry; more are names and values of constant labels.
func of(name, help string, more ...string) *prometheus.Desc {
	return describe(name, help, []string{"registry"}, more)
}

func describe(name, help string, owner, more []string) *prometheus.Desc {
	labels := prometheus.Labels{}
	for pair := range slices.Chunk(more, 2) {
		labels[pair[0]] = pair[1]
	}
	return prometheus.NewDesc("hostlife_"+name, help, owner, labels)
}

func departure(kind string) *prometheus.Desc {
	return of("departures_total", "Lives ended. Kind left is the normal end, evicted the abnormal.", "kind", kind)
}

func held(by string) *prometheus.Desc {
	return of("held_total", "Evictions put off, each host once for each time that it was due.", "by", by)
}

func cleanup(kind string) *prometheus.Desc {
	return of("cleanup_seconds", "Time from a leave, or from the deadline of a host that was evicted, to the end of its cleanup.", "kind", kind)
}

// registryFigures are all that a registry shows but its hosts by zone.
var registryFigures = []figure[stats]{
	counter(of("joins_total", "Lives begun; each ends in one departure."), func(s *stats) uint64 { return s.Joins }),
	counter(departure("left"), func(s *stats) uint64 { return s.Left }),
	counter(departure("evicted"), func(s *stats) uint64 { return s.Evicted }),
	counter(departure("replaced"), func(s *stats) uint64 { return s.Replaced }),
	counter(departure("forgotten"), func(s *stats) uint64 { return s.Forgotten }),
	counter(of("returned_total", "Joins of ids that had been evicted within the 5 minutes before: of hosts that lived, or were started again."), func(s *stats) uint64 { return s.Returned }),
	counter(of("suspected_total", "Times that a sweep found a host suspect, or due."), func(s *stats) uint64 { return s.Suspected }),
	counter(of("recovered_total", "Times that a suspect was heard again."), func(s *stats) uint64 { return s.Recovered }),

	counter(held("guard"), func(s *stats) uint64 { return s.HeldByGuard }),
	counter(held("confirm"), func(s *stats) uint64 { return s.HeldByConfirm }),
	gauge(of("guard_holding", "Whether the guard holds hosts, of some zone or of all."), guardHolds),
	counter(of("confirm_failures_total", "Calls of Confirm that failed."), func(s *stats) uint64 { return s.ConfirmFailures }),
	counter(of("policy_faults_total", "Answers of the policy that could not be meant."), func(s *stats) uint64 { return s.PolicyFaults }),

	gauge(of("cleanup_pending", "Departed hosts whose cleanup has not succeeded yet."), func(s *stats) int { return s.CleanupPending }),
	gauge(of("cleanup_oldest_timestamp_seconds", "When the first of the hosts whose cleanup is pending departed, as Unix time; 0 if there is none."), oldest),
	counter(of("cleanup_failures_total", "Tries to clean up that failed."), func(s *stats) uint64 { return s.CleanupFailures }),

	counter(of("sweeps_total", "Sweeps."), func(s *stats) uint64 { return s.Sweeps }),
	counter(of("stalls_total", "Gaps between two sweeps that were longer than the threshold: the registry did not listen."), func(s *stats) uint64 { return s.Stalls }),
	counter(of("excused_seconds_total", "Length of all stalls."), func(s *stats) float64 { return s.Excused.Seconds() }),

	gauge(of("advised_interval_seconds", "Interval that the Cadence advises now; 0 without one."), func(s *stats) float64 { return s.Advised.Seconds() }),

	counter(of("records_total", "Records that the flight recorder has written."), func(s *stats) uint64 { return s.Records }),
	counter(of("records_lost_total", "Records of the flight recorder that found no room, or were in a write that failed."), func(s *stats) uint64 { return s.RecordsLost }),
	counter(of("recorder_failures_total", "Writes of the flight recorder that failed."), func(s *stats) uint64 { return s.RecorderFailures }),

	counter(of("log_lines_lost_total", "Log lines that found no room because the logger was too slow, or that it failed on."), func(s *stats) uint64 { return s.LogLinesLost }),

	spread(of("detection_seconds", "Time from the last sign of life to the eviction."), detectionBounds, func(s *stats) durations { return s.Detection }),
	spread(cleanup("left"), cleanupBounds, func(s *stats) durations { return s.CleanupAfterLeave }),
	spread(cleanup("evicted"), cleanupBounds, func(s *stats) durations { return s.CleanupAfterEviction }),
	spread(of("sweep_duration_seconds", "Duration of sweeps that some deadline was due for, without Confirm and cleanups."), sweepBounds, func(s *stats) durations { return s.SweepDuration }),
	spread(of("sweep_period_jitter_seconds", "How much later than planned a sweep of Run began."), jitterBounds, func(s *stats) durations { return s.PeriodJitter }),
	spread(of("sweep_period_jitter_ratio", "How much later than planned a sweep of Run began, as a share of the time that it meant to wait."), shareBounds, func(s *stats) ratios { return s.PeriodJitterShare }),

	counter(of("shadow_evictions_total", "Silences longer than the shadow's patience: it would have evicted the host, sooner than the policy did or where that did not."), func(s *stats) uint64 { return s.Shadow.Evicted }),
	counter(of("shadow_returned_total", "Evictions by the shadow alone that would have been for nothing: the host was heard again in the same life, left or was replaced."), func(s *stats) uint64 { return s.Shadow.Returned }),
	counter(of("shadow_later_total", "Hosts that the policy evicted while the shadow still had patience."), func(s *stats) uint64 { return s.Shadow.Later }),
	counter(of("shadow_spared_total", "Joins of ids that the policy had evicted, while the shadow would still have had patience."), func(s *stats) uint64 { return s.Shadow.Spared }),
	spread(of("shadow_detection_seconds", "Time from the last sign of life to when the shadow would have evicted."), detectionBounds, func(s *stats) durations { return s.Shadow.Detection }),
}

func guardHolds(s *stats) int {
	if s.Guard != "" || slices.ContainsFunc(s.Zones, func(z hostmgr.ZoneStats) bool { return z.Guard != "" }) {
		return 1
	}
	return 0
}

func oldest(s *stats) float64 {
	if s.CleanupOldest.IsZero() {
		return 0
	}
	return float64(s.CleanupOldest.UnixMilli()) / 1e3
}

package hostprom

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

// The classic buckets, in seconds. README.md says how they were chosen.
var (
	detectionBounds = []float64{0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 90, 120, 180, 300, 360, 600, 1800, 3600}
	cleanupBounds   = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600}
	sweepBounds     = []float64{0.00001, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5}
	jitterBounds    = []float64{0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10}
	shareBounds     = []float64{0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 10} // a share
)

type (
	stats     = hostmgr.Stats
	durations = histogram.Snapshot[time.Duration]
	ratios    = histogram.Snapshot[float64]
)

// of describes a metric of a registry. more are names and values of constant labels.
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
	return of("departures_all_zones_total", "Registrations that ended, in all zones and in those that are forgotten. Kinds as in hostlife_departures_total.", "kind", kind)
}

func held(by string) *prometheus.Desc {
	return of("held_total", "Evictions that were put off, counted once each time that a host was due.", "by", by)
}

func cleanup(kind string) *prometheus.Desc {
	return of("cleanup_seconds", "Time from a leave, or from the deadline of an evicted host, to the end of its cleanup.", "kind", kind)
}

// registryFigures are all metrics of a registry but those by zone.
var registryFigures = []figure[stats]{
	gauge(of("start_timestamp_seconds", "Unix time at which the registry was made, and its counters were 0."), func(s *stats) float64 { return unix(s.Began) }),
	counter(of("joins_total", "Registrations that began; each ends in one departure."), func(s *stats) uint64 { return s.Joins }),
	counter(departure("left"), func(s *stats) uint64 { return s.Departures.Left }),
	counter(departure("evicted"), func(s *stats) uint64 { return s.Departures.Evicted }),
	counter(departure("replaced"), func(s *stats) uint64 { return s.Departures.Replaced }),
	counter(departure("forgotten"), func(s *stats) uint64 { return s.Departures.Forgotten }),
	counter(of("rejoined_after_eviction_total", "Joins of ids that were evicted in the 5 minutes before: the host was alive, or was restarted."), func(s *stats) uint64 { return s.RejoinedAfterEviction }),
	counter(of("conflicts_total", "Announces by which two machines seem to use one id."), func(s *stats) uint64 { return s.Conflicts }),
	counter(of("refused_total", "Joins refused because as many hosts were registered as MaxHosts allows."), func(s *stats) uint64 { return s.Refused }),
	counter(of("overtaken_total", "Announces that came after one with a greater revision, and changed nothing."), func(s *stats) uint64 { return s.Overtaken }),
	gauge(of("flapping_hosts", "Hosts evicted lately that came back within 5 minutes of it; at most 10 are counted."), func(s *stats) int { return len(s.Flapping) }),
	gauge(of("flapping_worst_evictions", "Evictions lately of the host that flaps most; 0 if none does."), worstEvictions),
	counter(of("suspected_total", "Times that a sweep or Restore found a host suspect, or due."), func(s *stats) uint64 { return s.Suspected }),
	counter(of("recovered_total", "Times that a contact, or a longer timeout, ended a suspicion."), func(s *stats) uint64 { return s.Recovered }),

	counter(held("eviction_limit"), func(s *stats) uint64 { return s.HeldByLimit }),
	counter(held("confirm"), func(s *stats) uint64 { return s.HeldByConfirm }),
	gauge(of("eviction_limit_active", "1 if the eviction limit holds hosts of any zone, or of all zones; otherwise 0."), limitActive),

	gauge(of("confirm_waiting", "Hosts that Confirm is to be asked about."), func(s *stats) int { return s.Confirm.Waiting }),
	gauge(of("confirm_asked", "Hosts that Confirm is asked about now."), func(s *stats) int { return s.Confirm.Asked }),
	gauge(of("confirm_asked_since_timestamp_seconds", "Unix time at which the call of Confirm under way began; 0 if there is none."), func(s *stats) float64 { return unix(s.Confirm.OldestAsked) }),
	counter(of("confirm_refused_total", "Times that Confirm left out a host."), func(s *stats) uint64 { return s.Confirm.Refused }),
	counter(of("confirm_failures_total", "Calls of Confirm that failed, including calls that exceeded their time limit."), func(s *stats) uint64 { return s.ConfirmFailures }),
	counter(of("confirm_timeouts_total", "Calls of Confirm that exceeded their time limit."), func(s *stats) uint64 { return s.Confirm.Timeouts }),
	gauge(of("confirm_left_behind", "Calls of Confirm that have not returned 10 s after their context ended."), func(s *stats) int { return s.Confirm.LeftBehind }),

	counter(of("policy_errors_total", "Invalid answers of the policy, or of the second policy."), func(s *stats) uint64 { return s.PolicyErrors }),

	gauge(of("cleanup_pending", "Departed hosts whose cleanup has not succeeded yet."), func(s *stats) int { return s.Cleanup.Pending }),
	gauge(of("cleanup_oldest_timestamp_seconds", "Unix time at which the host with the oldest pending cleanup departed; 0 if no cleanup is pending."), func(s *stats) float64 { return unix(s.Cleanup.OldestPending) }),
	gauge(of("cleanup_awaiting_while", "Departed hosts whose next cleanup waits for a call of While."), func(s *stats) int { return s.Cleanup.AwaitingWhile }),
	gauge(of("cleanup_running", "Cleanups under way, including those left behind."), func(s *stats) int { return s.Cleanup.Running }),
	gauge(of("cleanup_running_since_timestamp_seconds", "Unix time at which the oldest cleanup under way began; 0 if no cleanup is under way."), func(s *stats) float64 { return unix(s.Cleanup.OldestRunning) }),
	gauge(of("cleanup_left_behind", "Cleanups under way that have not returned 10 s after their context ended."), func(s *stats) int { return s.Cleanup.LeftBehind }),
	counter(of("cleanup_timeouts_total", "Cleanup attempts that exceeded their time limit, counted at that moment."), func(s *stats) uint64 { return s.Cleanup.Timeouts }),
	counter(of("cleanup_given_up_total", "Cleanups given up because 16 others of the id were pending, and one of them failed or hung."), func(s *stats) uint64 { return s.Cleanup.GivenUp }),
	counter(of("cleanup_failures_total", "Cleanup attempts that failed."), func(s *stats) uint64 { return s.Cleanup.Failures }),

	counter(of("sweeps_total", "Sweeps."), func(s *stats) uint64 { return s.Sweeps }),
	counter(of("stalls_total", "Gaps between two sweeps that were longer than the stall threshold."), func(s *stats) uint64 { return s.Stalls }),
	counter(of("stall_seconds_total", "Total length of all stalls."), func(s *stats) float64 { return s.StallTime.Seconds() }),

	gauge(of("advised_interval_seconds", "Interval that the registry currently advises; 0 without pacing."), func(s *stats) float64 { return s.AdvisedInterval.Seconds() }),

	counter(of("records_total", "Records that the flight recorder has written."), func(s *stats) uint64 { return s.Recorder.Records }),
	counter(of("records_lost_total", "Records of the flight recorder lost because the queue was full, or a write failed."), func(s *stats) uint64 { return s.Recorder.Lost }),
	counter(of("recorder_failures_total", "Writes of the flight recorder that failed."), func(s *stats) uint64 { return s.Recorder.Failures }),

	counter(of("log_lines_lost_total", "Log lines lost because the logger was too slow, or failed."), func(s *stats) uint64 { return s.LogLinesLost }),

	spread(of("detection_seconds", "Time from the last contact to the eviction."), detectionBounds, func(s *stats) durations { return s.Latency.Detection }),
	spread(cleanup("left"), cleanupBounds, func(s *stats) durations { return s.Latency.CleanupAfterLeave }),
	spread(cleanup("evicted"), cleanupBounds, func(s *stats) durations { return s.Latency.CleanupAfterEviction }),
	spread(of("sweep_duration_seconds", "Duration of sweeps that had hosts to check, excluding Confirm and cleanups."), sweepBounds, func(s *stats) durations { return s.Latency.SweepDuration }),
	spread(of("sweep_delay_seconds", "How much later than planned a sweep of Run began."), jitterBounds, func(s *stats) durations { return s.Latency.SweepDelay }),

	counter(of("shadow_evictions_total", "Evictions that the second policy would have made."), func(s *stats) uint64 { return s.Shadow.Evictions }),
	counter(of("shadow_rejoined_total", "Hosts that came back within 5 minutes after the second policy would have evicted them."), func(s *stats) uint64 { return s.Shadow.Rejoined }),
}

// limitActive is 1 if the eviction limit holds hosts.
func limitActive(s *stats) int {
	if s.Hold != (hostmgr.HoldReason{}) {
		return 1
	}
	for i := range s.Zones {
		if s.Zones[i].Hold != (hostmgr.HoldReason{}) {
			return 1
		}
	}
	return 0
}

// worstEvictions leaves out the ids: they must not become labels.
func worstEvictions(s *stats) int {
	if len(s.Flapping) == 0 {
		return 0
	}
	return s.Flapping[0].Evictions
}

// unix returns a time in seconds, 0 for the zero time.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1e3
}

package hostprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostlife/hostlife/gc"
)

// taskBounds are the classic buckets of durations of runs, in seconds.
var taskBounds = []float64{0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600}

// ofTask describes a metric of a task of a GC. more are names and values of constant labels.
func ofTask(name, help string, more ...string) *prometheus.Desc {
	return describe("gc_task_"+name, help, []string{"gc", "task"}, more)
}

func runs(outcome string) *prometheus.Desc {
	return ofTask("runs_total", "Runs that returned, by outcome; error includes runs that were ended by a timeout.", "outcome", outcome)
}

// taskFigures are all metrics of a task.
var taskFigures = []figure[gc.TaskStats]{
	counter(runs("success"), func(s *gc.TaskStats) uint64 { return s.Runs - s.Errors - s.Canceled - s.Panics }),
	counter(runs("error"), func(s *gc.TaskStats) uint64 { return s.Errors }),
	counter(runs("canceled"), func(s *gc.TaskStats) uint64 { return s.Canceled }),
	counter(runs("panic"), func(s *gc.TaskStats) uint64 { return s.Panics }),
	counter(ofTask("timeouts_total", "Runs that exceeded their timeout."), func(s *gc.TaskStats) uint64 { return s.Timeouts }),
	counter(ofTask("dropped_ticks_total", "Ticks that came while a run was in flight, or passed while the process was paused."), func(s *gc.TaskStats) uint64 { return s.Dropped }),
	gauge(ofTask("running_since_timestamp_seconds", "Unix time at which the run in flight started; 0 if no run is in flight."), func(s *gc.TaskStats) float64 { return unix(s.RunningSince) }),

	spread(ofTask("duration_seconds", "Duration of runs, from start to return."), taskBounds, func(s *gc.TaskStats) durations { return s.Duration }),
	spread(ofTask("period_jitter_seconds", "Difference between the planned and the actual start, in either direction."), jitterBounds, func(s *gc.TaskStats) durations { return s.PeriodJitter }),
	spread(ofTask("period_jitter_ratio", "Difference between the planned and the actual start, as a share of the task's interval."), shareBounds, func(s *gc.TaskStats) ratios { return s.PeriodJitterShare }),
}

package gc

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// TaskStats is what happened to a task since it was added: a snapshot. A run is in it from the moment
// at which it returned.
type TaskStats struct {
	Runs     uint64 // runs that returned, in whatever way
	Errors   uint64 // of these: returned an error, those of a timeout included
	Canceled uint64 // of these: returned the error of a context that was cancelled otherwise
	Panics   uint64 // of these: panicked, or called runtime.Goexit
	Timeouts uint64 // timeouts that struck, counted when they strike
	Dropped  uint64 // ticks that passed while a run was in flight, or the process stood still

	Duration     Percentiles // of runs, from start to return; recorded when a run returns
	PeriodJitter Percentiles // |actual start - planned start|; recorded when a tick starts a run
}

// Percentiles summarise durations, as the GC's clock measured them. Min, Mean and Max are exact. The
// others are of an HDR histogram in nanoseconds, which is at most 1 % too high, and counts what is
// longer than a day as a day. All are 0 when Count is.
type Percentiles struct {
	Count                               uint64
	Min, Mean, P50, P90, P99, P999, Max time.Duration
}

// Stats returns the statistics of a task, and whether there is one with that ID.
func (g *GC) Stats(id string) (TaskStats, bool) {
	t := g.task(id)
	if t == nil {
		return TaskStats{}, false
	}
	return t.stats.snapshot(), true
}

type stats struct {
	mu               sync.Mutex // guards the fields below; taken after GC.mu where both are held
	counts           TaskStats  // without the percentiles
	duration, jitter *recorder
}

func newStats() *stats { return &stats{duration: newRecorder(), jitter: newRecorder()} }

func (s *stats) snapshot() TaskStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot := s.counts
	snapshot.Duration, snapshot.PeriodJitter = s.duration.percentiles(), s.jitter.percentiles()
	return snapshot
}

func (s *stats) drop(ticks uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Dropped += ticks
}

func (s *stats) timeout() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Timeouts++
}

func (s *stats) late(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jitter.record(by)
}

func (s *stats) landed(how ending, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Runs++
	switch how {
	case failed:
		s.counts.Errors++
	case canceled:
		s.counts.Canceled++
	case panicked:
		s.counts.Panics++
	case succeeded:
	}
	s.duration.record(took)
}

const day = 24 * time.Hour

// A recorder collects durations in about 40 KB, however many there are.
type recorder struct {
	histogram     *hdrhistogram.Histogram // of nanoseconds
	min, max, sum time.Duration
}

func newRecorder() *recorder {
	return &recorder{histogram: hdrhistogram.New(1, int64(day), 2)}
}

func (r *recorder) record(d time.Duration) {
	d = max(d, 0) // an injected clock may step back
	if r.histogram.TotalCount() == 0 {
		r.min = d
	}
	r.min, r.max, r.sum = min(r.min, d), max(r.max, d), r.sum+d
	_ = r.histogram.RecordValue(int64(min(d, day))) // fails only above its limit
}

func (r *recorder) percentiles() Percentiles {
	n := r.histogram.TotalCount()
	if n == 0 {
		return Percentiles{}
	}
	// The histogram answers with the upper end of a bucket, which may lie above the maximum.
	at := func(percentile float64) time.Duration {
		return min(time.Duration(r.histogram.ValueAtPercentile(percentile)), r.max)
	}
	return Percentiles{
		Count: uint64(n),
		Min:   r.min,
		Mean:  r.sum / time.Duration(n),
		P50:   at(50),
		P90:   at(90),
		P99:   at(99),
		P999:  at(99.9),
		Max:   r.max,
	}
}

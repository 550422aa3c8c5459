package gc

import (
	"sync"
	"time"

	"github.com/hostlife/hostlife/histogram"
)

// TaskStats is a snapshot of what happened to a task since it was added. A run counts from its
// return, a dropped tick from the moment at which it came. If a run ends at the very clock reading
// of a tick, that tick starts a run and is not counted any more.
type TaskStats struct {
	Runs     uint64 // runs that ended, in any way
	Errors   uint64 // of these: returned an error, also after a timeout
	Canceled uint64 // of these: returned the error of a context that was cancelled otherwise
	Panics   uint64 // of these: panicked, or called runtime.Goexit
	Timeouts uint64 // counted when they happen
	Dropped  uint64 // ticks that came while a run was in flight, or passed while the process stood still

	// RunningSince is when the run in flight started; zero if there is none. A run of a removed
	// task with the same ID counts too, because it prevents runs of this task.
	RunningSince time.Time

	// Duration is the time from start to return of a run; recorded when it returns.
	Duration histogram.Snapshot[time.Duration]
	// PeriodJitter is the difference between the planned and the actual start, in either direction;
	// recorded when a tick starts a run. PeriodJitterShare is the same as a share of Task.Interval.
	PeriodJitter      histogram.Snapshot[time.Duration]
	PeriodJitterShare histogram.Snapshot[float64]
}

// Stats returns the statistics of a task, and whether a task has that ID.
func (g *GC) Stats(id string) (TaskStats, bool) {
	t, f := g.look(id)
	if t == nil {
		return TaskStats{}, false
	}
	s := t.stats.snapshot()
	if f != nil && f.task != t && s.RunningSince.IsZero() {
		s.RunningSince = f.started
	}
	return s, true
}

// look returns the task and the flight with that ID, or nil.
func (g *GC) look(id string) (*task, *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tasks[id], g.flights[id]
}

// Tasks returns the IDs of all tasks, in alphabetical order.
func (g *GC) Tasks() []string {
	var ids []string
	for _, t := range g.all() {
		ids = append(ids, t.ID)
	}
	return ids
}

type stats struct {
	mu       sync.Mutex // guards the fields below; taken after GC.mu where both are held
	counts   TaskStats  // without the distributions
	duration histogram.Histogram[time.Duration]
	jitter   histogram.Histogram[time.Duration]
	share    histogram.Histogram[float64]
}

func (s *stats) snapshot() TaskStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot := s.counts
	snapshot.Duration = s.duration.Snapshot()
	snapshot.PeriodJitter, snapshot.PeriodJitterShare = s.jitter.Snapshot(), s.share.Snapshot()
	return snapshot
}

func (s *stats) drop(ticks uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Dropped = plus(s.counts.Dropped, ticks)
}

// use takes back that a tick was dropped.
func (s *stats) use() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Dropped--
}

func (s *stats) tookOff(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.RunningSince = now
}

func (s *stats) timeout() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Timeouts++
}

func (s *stats) late(by, period time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jitter.Record(by)
	s.share.Record(float64(by) / float64(period))
}

func (s *stats) landed(how ending, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Runs++
	s.counts.RunningSince = time.Time{}
	switch how {
	case failed:
		s.counts.Errors++
	case canceled:
		s.counts.Canceled++
	case panicked:
		s.counts.Panics++
	case succeeded:
	}
	s.duration.Record(took)
}

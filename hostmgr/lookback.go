package hostmgr

import (
	"iter"
	"slices"
	"time"
)

// Departures yields the latest 200 departures, the latest first, each with its evidence and Attempt
// 0. Of more than 200 departures within a second, the first 200 are kept.
//
// Metadata is kept with them if M is plain: if it consists of numbers, strings and booleans, or
// arrays and structs of them, of at most 1024 bytes. Other metadata may refer to any amount of
// memory, which a departure is to free. It is the zero M, unless Config.KeepMetadata is set.
// Without metadata and ids, the departures take 100 KB.
func (r *Registry[M]) Departures() iter.Seq[Departure[M]] {
	return func(yield func(Departure[M]) bool) {
		s := r.peek()
		list := s.latest.list()
		r.mu.RUnlock()
		for _, d := range slices.Backward(list) {
			var m M
			if d.Host.Metadata != nil {
				m = *d.Host.Metadata
			}
			if !yield(*withMetadata(d, m)) {
				return
			}
		}
	}
}

// Trend yields the figures of the last minutes, the oldest first, each with its time: up to 600
// samples, and at last the figures of now. A sweep takes a sample if the latest one is a second
// old. So under Run they cover 10 minutes or a little more.
//
// A moment has only these figures: Hosts, Suspects, Held, Joins, Departures, RejoinedAfterEviction,
// Refused, Conflicts, Suspected, Recovered, ConfirmFailures, Stalls, and the Timeouts of Confirm;
// Failures, Timeouts and GivenUp of Cleanup; Lost and Failures of Recorder. All samples take 120 KB.
func (r *Registry[M]) Trend() iter.Seq2[time.Time, Stats] {
	return func(yield func(time.Time, Stats) bool) {
		v, now := r.rlock()
		list := append(v.trend.list(), v.moment(now))
		r.mu.RUnlock()
		for i := range list {
			if !yield(r.clock.Wall(list[i].at), list[i].stats()) {
				return
			}
		}
	}
}

func (x *moment) stats() (s Stats) {
	s.Hosts, s.Suspects, s.Held = x.hosts, x.suspects, x.held
	s.Departures = departureCounts(x.ended)
	s.Joins, s.RejoinedAfterEviction, s.Conflicts = x.joins, x.rejoined, x.conflicts
	s.Suspected, s.Recovered, s.Stalls, s.Refused = x.suspected, x.recovered, x.stalls, x.refused
	s.ConfirmFailures, s.Confirm.Timeouts = x.confirmFailures, x.confirmTimeouts
	s.Cleanup.Failures, s.Cleanup.Timeouts, s.Cleanup.GivenUp = x.cleanupFailures, x.cleanupTimeouts, x.cleanupsGivenUp
	s.Recorder.Lost, s.Recorder.Failures = x.recordsLost, x.recorderFailures
	return s
}

package detector

import "time"

// Stalls has the stalls of a registry, and the threshold: a gap between sweeps that is longer is a
// stall. For most hosts the threshold is the configured one.
//
// Impatient hosts tolerate less. While Run runs, the threshold of all impatient hosts follows the
// most impatient one. So the hosts are counted by class. Impatient hosts have a log of their own,
// with more stalls in it. So their short gaps do not affect other hosts: they postpone no other
// deadline, and push no long stall out of the other log.
type Stalls struct {
	common    StallLog // for most hosts
	short     StallLog // for impatient hosts
	longest   int64    // threshold of most hosts under Run; impatient hosts tolerate less
	threshold int64    // of most hosts; 0: no gap is a stall
	follows   bool     // the threshold of impatient hosts follows the most impatient one
	first     class    // of the most impatient host; 0: no host is
	hosts     [classes]int32
}

// NewStalls returns the stalls of a new registry, without a threshold. longest is the argument for
// Timeouts.Classify.
func NewStalls(longest int64) *Stalls { return &Stalls{longest: longest} }

// Longest returns the argument for Timeouts.Classify.
func (s *Stalls) Longest() int64 { return s.longest }

// Common returns the log for most hosts.
func (s *Stalls) Common() *StallLog { return &s.common }

// Of returns the log for hosts with these timeouts.
func (s *Stalls) Of(t *Timeouts) *StallLog {
	if t.Impatient() {
		return &s.short
	}
	return &s.common
}

// Count returns the number of stalls, without those for impatient hosts only.
func (s *Stalls) Count() uint64 { return s.common.count }

// Total returns the length of all stalls of Count.
func (s *Stalls) Total() time.Duration { return time.Duration(s.common.total) }

// LastObserved returns when the registry last observed its hosts.
func (s *Stalls) LastObserved() int64 { return s.common.last }

// Limit returns the shortest threshold of any host, or 0 if no gap is a stall. Sweeps must come at
// least twice in it.
func (s *Stalls) Limit() int64 { return s.short.limit }

// Threshold returns the threshold of most hosts, or 0.
func (s *Stalls) Threshold() int64 { return s.threshold }

// SetThreshold changes the threshold of most hosts. If follows is true, the threshold of impatient
// hosts follows the most impatient one. The new threshold also decides whether the current gap is a
// stall.
func (s *Stalls) SetThreshold(threshold int64, follows bool) {
	s.threshold, s.follows = threshold, follows
	s.common.setLimit(threshold)
	s.short.threshold = s.common.allowed
	s.short.setLimit(s.shortest())
}

// shortest returns the threshold of impatient hosts.
func (s *Stalls) shortest() int64 {
	if s.follows && s.threshold > 0 {
		return min(s.threshold, s.first.least())
	}
	return s.threshold
}

// Observe notes that the registry observes its hosts at now. It returns the stall that this ends;
// or the gap, which is a stall for impatient hosts only; or nil for both. Each result is valid
// until the next call of Observe or Track.
func (s *Stalls) Observe(now int64) (stall, gap *Stall) {
	long, short := s.common.Observe(now), s.short.Observe(now)
	s.allow()
	switch {
	case long > 0:
		return s.common.newest(), nil
	case short > 0:
		return nil, s.short.newest()
	}
	return nil, nil
}

// allow applies what is allowed for most hosts to the impatient ones.
func (s *Stalls) allow() {
	if s.short.threshold != s.common.allowed {
		s.short.threshold = s.common.allowed
		s.short.allow()
	}
}

// SweepBegins notes that a sweep begins, after Observe with the same now. Sweeps in time end the
// state of a slow driver. Other calls of Observe do not.
func (s *Stalls) SweepBegins(now int64) {
	s.common.sweepBegins(now)
	s.short.sweepBegins(now)
	s.allow()
}

// SlowDriver returns the period of the driver if it has become slow since the last call: 8 gaps in
// a row exceeded the threshold of most hosts. It returns the news once, until the driver was in
// time.
func (s *Stalls) SlowDriver() (period int64, news bool) {
	if d := &s.common.driver; d.slow() && !d.told {
		d.told = true
		return d.period(), true
	}
	return 0, false
}

func (l *StallLog) newest() *Stall { return &l.stalls[len(l.stalls)-1] }

// HasImpatient reports whether any tracked host is impatient. If not, hosts that depart need no
// Track.
func (s *Stalls) HasImpatient() bool { return s.first != 0 }

// Track adds more to the number of hosts with these timeouts; more may be negative. That may change
// the threshold of impatient hosts.
//
// If the threshold becomes shorter, Track first observes the hosts by the longer one, because the
// host that needs the shorter one was not there before. Then stall and gap are the results of
// Observe, and Run must sweep at wake, since it may plan to sleep for half of the longer threshold.
// Otherwise wake is Never.
func (s *Stalls) Track(t *Timeouts, more int32, now int64) (stall, gap *Stall, wake int64) {
	if !t.Impatient() {
		return nil, nil, Never
	}
	return s.track(t.class, more, now)
}

func (s *Stalls) track(c class, more int32, now int64) (stall, gap *Stall, wake int64) {
	wake = Never
	if !s.count(c, more) {
		return nil, nil, wake
	}
	limit := s.shortest()
	if s.follows && limit < s.short.limit {
		stall, gap = s.Observe(now)
		wake = now + limit/2
	}
	s.short.setLimit(limit)
	return stall, gap, wake
}

// count adds to the number of hosts of a class, and reports whether the first class has changed.
func (s *Stalls) count(c class, more int32) (changed bool) {
	s.hosts[c] += more
	switch {
	case more > 0 && (s.first == 0 || c < s.first):
		s.first = c
		return true
	case more < 0 && c == s.first && s.hosts[c] == 0:
		s.first = s.next(c)
		return true
	}
	return false
}

// next returns the next class that has hosts, or 0.
func (s *Stalls) next(c class) class {
	for c++; c < classes; c++ {
		if s.hosts[c] > 0 {
			return c
		}
	}
	return 0
}

// StallTime returns how much of the time from seen to over does not count as silence of a host with
// these timeouts. over is not in the future. (Assess computes the same for a silence that goes on;
// there the log of most hosts is needed for the deadlines too.)
func (s *Stalls) StallTime(t *Timeouts, seen, over int64) int64 {
	long := s.common.Between(seen, over, over)
	if !t.Impatient() {
		return long
	}
	return s.bounded(long, s.short.Between(seen, over, over))
}

// bounded returns the stall time of an impatient host: all stalls of most hosts, and short gaps of
// at most four times the threshold of most hosts. Without this bound, on a machine with gaps that
// are all too long for the most impatient host, hosts that are gone would stay forever.
func (s *Stalls) bounded(long, all int64) int64 {
	return long + max(0, min(all-long, 4*min(s.longest, MaxTimeout/4)))
}

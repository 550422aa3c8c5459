package detector

import "time"

// Stalls are the stalls of a registry, and the threshold: the gap between sweeps above which it is a
// stall. For most hosts the threshold is the one that is configured.
//
// Impatient hosts tolerate less. While Run runs, the threshold for all of them follows the most
// impatient one, so they are counted, by class. They have a log of their own, with more stalls in it.
// So what they need touches no other host: short gaps put off no other deadline, and push no long
// stalls out of the log of most hosts.
type Stalls struct {
	common    StallLog // for most hosts
	short     StallLog // for impatient hosts
	longest   int64    // threshold of most hosts under Run: a host that tolerates less is impatient
	threshold int64    // of most hosts; 0: no gap is a stall
	follows   bool     // the threshold of impatient hosts follows the most impatient one
	first     class    // of the most impatient host; 0: none is
	hosts     [classes]int32
}

// NewStalls returns the stalls of a new registry, without a threshold. Longest is what its timeouts
// are classified by: see Timeouts.Classify.
func NewStalls(longest int64) *Stalls { return &Stalls{longest: longest} }

// Longest is what timeouts must be classified by.
func (s *Stalls) Longest() int64 { return s.longest }

// Common is the log for most hosts.
func (s *Stalls) Common() *StallLog { return &s.common }

// Of is the log for hosts with these timeouts.
func (s *Stalls) Of(t *Timeouts) *StallLog {
	if t.Impatient() {
		return &s.short
	}
	return &s.common
}

// Count is how many stalls there were; those for impatient hosts only are not counted.
func (s *Stalls) Count() uint64 { return s.common.count }

// Total is how long all stalls of Count lasted.
func (s *Stalls) Total() time.Duration { return time.Duration(s.common.total) }

// LastObserved is when the registry last observed its hosts.
func (s *Stalls) LastObserved() int64 { return s.common.last }

// Limit is the shortest threshold of any host, or 0: no gap is a stall. Sweep at least twice in it.
func (s *Stalls) Limit() int64 { return s.short.limit }

// Threshold is that of most hosts, or 0.
func (s *Stalls) Threshold() int64 { return s.threshold }

// SetThreshold changes the threshold for most hosts. If follows, that of impatient hosts follows the
// most impatient one. The gap since the registry last observed its hosts is judged by the new threshold.
func (s *Stalls) SetThreshold(threshold int64, follows bool) {
	s.threshold, s.follows = threshold, follows
	s.common.limit, s.short.threshold = threshold, threshold
	s.short.limit = s.shortest()
}

// shortest is the threshold of impatient hosts.
func (s *Stalls) shortest() int64 {
	if s.follows && s.threshold > 0 {
		return min(s.threshold, s.first.least())
	}
	return s.threshold
}

// Observe notes that the registry observes its hosts now. It returns the stall that this ends; or the
// gap, which is a stall for impatient hosts only; or nil twice. Both are valid until the next call of
// Observe or Track.
func (s *Stalls) Observe(now int64) (stall, gap *Stall) {
	long, short := s.common.Observe(now), s.short.Observe(now)
	switch {
	case long > 0:
		return s.common.newest(), nil
	case short > 0:
		return nil, s.short.newest()
	}
	return nil, nil
}

func (l *StallLog) newest() *Stall { return &l.stalls[len(l.stalls)-1] }

// HasImpatient tells whether any host that is tracked is impatient. If not, a host that departs need
// not be untracked.
func (s *Stalls) HasImpatient() bool { return s.first != 0 }

// Track counts so many hosts with these timeouts more, or fewer. That may change the threshold of
// impatient hosts. If it becomes shorter, the gap so far is observed first, and is judged by the
// longer one, because the host that needs the shorter one was not there in it. Then stall and gap are
// those of Observe, and Run must sweep at wake: it may sleep for half of the longer one. Else wake is
// Never.
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
	s.short.limit = limit
	return stall, gap, wake
}

// count counts so many hosts more of a class, and tells whether that changes which class comes first.
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

// next is the next class that has hosts, or 0.
func (s *Stalls) next(c class) class {
	for c++; c < classes; c++ {
		if s.hosts[c] > 0 {
			return c
		}
	}
	return 0
}

// StallTime is how much of the time from seen to over, which lies in the past, is no silence of a host
// with these timeouts.
func (s *Stalls) StallTime(t *Timeouts, seen, over int64) int64 {
	long := s.common.Between(seen, over, over)
	if !t.Impatient() {
		return long
	}
	return s.bounded(long, s.short.Between(seen, over, over))
}

// bounded is the stall time of an impatient host, of which the stalls of most hosts are a part. The
// rest, the short gaps, counts up to four of the longest gaps. Else, on a machine whose gaps are all
// too long for the most impatient host, hosts that are gone would stay forever.
func (s *Stalls) bounded(long, all int64) int64 {
	return long + max(0, min(all-long, 4*min(s.longest, MaxTimeout/4)))
}

package evictlimit

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// scope is a set of hosts that are counted together, and its limit: the hosts of a zone, or all hosts.
type scope struct {
	name     string
	hosts    int
	suspects int // that were called suspect and had no contact since
	held     int // that are due but held

	waiting int    // hosts that the limit holds
	saved   int64  // observed time that is saved up for evictions: tokens, in nanoseconds
	savedAt int64  // when that was computed
	evicted window // lately; not those whose own hold expired

	missing, total int   // at the latest update
	active         bool  // too many were missing then
	activeAt       int64 // when it was active last
	asked          bool  // a host was held because of this scope since missing or total changed
}

// update recomputes whether the limit is active. If it no longer is, it may have been until now.
func (s *scope) update(c Config, stalls *detector.StallLog, now int64) {
	s.save(c, stalls, now)
	was, evicted := s.active, s.evicted.sum(now, c.MaxHold)
	if missing, total := s.suspects+evicted, s.hosts+evicted; missing != s.missing || total != s.total {
		s.missing, s.total, s.asked = missing, total, false
	}
	if s.active = c.exceeded(s.missing, s.total); s.active || was {
		s.activeAt = now
	}
}

// save saves up the time since it was last called. What was saved before then is bounded in any case:
// hosts here may have waited for the other scope, and have spent nothing.
func (s *scope) save(c Config, stalls *detector.StallLog, now int64) {
	s.saved = min(s.saved, c.maxSaved()) + stalls.ObservedTime(s.savedAt, now)
	s.savedAt = now
	if s.waiting == 0 {
		s.saved = min(s.saved, c.maxSaved())
	}
}

// cost is what the eviction of a host of this interval costs here. When the limit is no longer active,
// each host has its interval for a heartbeat to arrive, as after a stall: when a cut heals, the hosts
// that come back last must not be evicted because the others are back.
func (s *scope) cost(c Config, interval time.Duration, stalls *detector.StallLog, now int64) int64 {
	if s.active || stalls.ObservedTime(s.activeAt, now) <= int64(interval) {
		return c.cost()
	}
	return 0
}

// reason is why a host is held because of this scope.
func (s *scope) reason(c Config, all bool) Reason {
	switch {
	case !s.active:
		return Reason{Kind: RecentKind}
	case c.MaxFraction == 0:
		return Reason{Kind: RateKind, PerSecond: c.PerSecond}
	case all:
		return Reason{Kind: AllKind, Missing: s.missing, Total: s.total}
	default:
		return Reason{Kind: ZoneKind, Missing: s.missing, Total: s.total, Zone: s.name}
	}
}

// holding is why hosts are held because of this scope, or the zero Reason if none is: those that wait
// may wait for the other scope.
func (s *scope) holding(c Config, all bool) Reason {
	if s.waiting > 0 && (s.active || s.asked) {
		return s.reason(c, all)
	}
	return Reason{}
}

// counts are the figures of the scope.
func (s *scope) counts(c Config, all bool) Counts {
	return Counts{Name: s.name, Hosts: s.hosts, Suspects: s.suspects, Held: s.held, Reason: s.holding(c, all)}
}

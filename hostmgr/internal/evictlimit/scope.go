package evictlimit

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// A scope is a set of hosts that are counted together, and their limit: the hosts of a zone, or all
// hosts.
type scope struct {
	name     string
	hosts    int
	suspects int // marked as suspect, without a contact since
	held     int // due but held, by the limit or by Confirm
	tally        // of a zone; that of all hosts is the sum
	past     *past

	waiting int    // hosts that the limit holds
	since   int64  // the first update at which some waited; 0: none waits
	saved   int64  // observed time that is saved up for evictions: tokens, in nanoseconds
	savedAt int64  // when that was computed
	evicted window // recent evictions, except after an expired hold

	missing, total int   // at the latest update
	active         bool  // too many were missing then
	activeAt       int64 // the last time at which it was active; 0: never
	asked          bool  // a host was held because of this scope since missing or total changed
}

// update recomputes whether the limit is active. If it was active at the last update, activeAt
// becomes now: it may have been active until now.
func (s *scope) update(c Config, stalls *detector.StallLog, now int64) {
	s.save(c, stalls, now)
	was, evicted := s.active, s.evicted.sum(now, c.MaxHold)
	if missing, total := s.suspects+evicted, s.hosts+evicted; missing != s.missing || total != s.total {
		s.missing, s.total, s.asked = missing, total, false
	}
	if s.active = c.exceeded(s.missing, s.total); s.active || was {
		s.activeAt = now
	}
	switch {
	case s.waiting == 0:
		s.since = 0
	case s.since == 0:
		s.since = now
	}
}

// save adds the observed time since its last call to what is saved. It bounds the former sum in any
// case: hosts of this scope may have waited for the other scope, and then nothing was spent here.
func (s *scope) save(c Config, stalls *detector.StallLog, now int64) {
	s.saved = min(s.saved, c.maxSaved()) + stalls.ObservedTime(s.savedAt, now)
	s.savedAt = now
	if s.waiting == 0 {
		s.saved = min(s.saved, c.maxSaved())
	}
}

// cost returns what the eviction of a host costs in this scope. When the limit is no longer active,
// it still applies to each host for one interval of that host, as after a stall. So when a network
// partition heals, the hosts that come back last are not evicted because the others are back.
func (s *scope) cost(c Config, interval time.Duration, stalls *detector.StallLog, now int64) int64 {
	if s.active || s.activeAt > 0 && stalls.ObservedTime(s.activeAt, now) <= int64(interval) {
		return c.cost()
	}
	return 0
}

// reason returns why a host is held because of this scope.
func (s *scope) reason(c Config, all bool) Reason {
	switch {
	case !s.active:
		return Reason{Kind: KindRecent}
	case c.MaxFraction == 0:
		return Reason{Kind: KindRate, PerSecond: c.PerSecond}
	case all:
		return Reason{Kind: KindAll, Missing: s.missing, Total: s.total}
	default:
		return Reason{Kind: KindZone, Missing: s.missing, Total: s.total, Zone: s.name}
	}
}

// holding returns why hosts are held because of this scope. It is zero if no host is: those that
// wait may wait for the other scope.
func (s *scope) holding(c Config, all bool) Reason {
	if s.waiting > 0 && (s.active || s.asked) {
		return s.reason(c, all)
	}
	return Reason{}
}

// counts returns the figures of the scope.
func (s *scope) counts(c Config, all bool) Counts {
	counts := Counts{Name: s.name, Hosts: s.hosts, Suspects: s.suspects, Held: s.held, Reason: s.holding(c, all)}
	if counts.Reason != (Reason{}) && s.since > 0 {
		counts.Until = s.since + int64(c.MaxHold)
	}
	return counts
}

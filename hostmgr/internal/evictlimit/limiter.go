package evictlimit

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// Limiter is the eviction limit of a registry. It looks at each host twice: in its zone, and among all
// hosts. In each of the two scopes
//
//	missing = suspect + due + evicted during the last MaxHold - joined since
//
// where hosts that were evicted because their own hold expired do not count. The caller counts hosts
// that are due as suspects, also where the policy suspects no host.
type Limiter struct {
	config Config
	all    scope
	zones  []scope // by number; one without hosts is free
	index  map[string]uint8
	last   uint8 // zone that was entered
}

// New returns a limiter without hosts.
func New(c Config) *Limiter { return &Limiter{config: c, index: map[string]uint8{}} }

// scopes are where a host of a zone is counted.
func (l *Limiter) scopes(zone uint8) [2]*scope { return [2]*scope{&l.zones[zone], &l.all} }

// Update recomputes where the limit is active. Call it before a sweep evicts hosts, when all that are
// suspect or due are counted; after it; and when a sweep has no host to judge.
func (l *Limiter) Update(stalls *detector.StallLog, now int64) {
	if !l.config.On() {
		return
	}
	l.all.update(l.config, stalls, now)
	for i := range l.zones {
		l.zones[i].update(l.config, stalls, now)
	}
}

// Spend takes what the eviction of a host costs, wherever the limit is active. If there is too little,
// ok is false, nothing is taken, and the reason is why the host is held.
func (l *Limiter) Spend(zone uint8, interval time.Duration, stalls *detector.StallLog, now int64) (why Reason, ok bool) {
	scopes := l.scopes(zone)
	var costs [2]int64
	for i, s := range scopes {
		if costs[i] = s.cost(l.config, interval, stalls, now); s.saved < costs[i] {
			s.asked = true
			return s.reason(l.config, s == &l.all), false
		}
	}
	for i, s := range scopes {
		s.saved -= costs[i]
	}
	return Reason{}, true
}

// HoldLeft is how much longer the limit may hold a host that it has held since then. If it is not
// above 0 the hold has expired. Stalls do not use it up.
func (l *Limiter) HoldLeft(since int64, stalls *detector.StallLog, now int64) int64 {
	return int64(l.config.MaxHold) - stalls.ObservedTime(since, now)
}

// Wait counts a host that the limit begins to hold, or no longer holds.
func (l *Limiter) Wait(zone uint8, waits bool) {
	more := -1
	if waits {
		more = 1
	}
	for _, s := range l.scopes(zone) {
		s.waiting += more
	}
}

// CreditJoin takes one host that was evicted lately off the missing, because a host joins: it may be
// the same one.
func (l *Limiter) CreditJoin(zone uint8) {
	if !l.config.On() {
		return
	}
	for _, s := range l.scopes(zone) {
		s.evicted.takeBack()
	}
}

// CountEviction counts an evicted host among the missing for one MaxHold. It is not to be called if
// the hold of the host has expired: else a loss that is permanent would keep the limit active.
func (l *Limiter) CountEviction(zone uint8, now int64) {
	if !l.config.On() {
		return
	}
	for _, s := range l.scopes(zone) {
		s.evicted.add(now, l.config.MaxHold)
	}
}

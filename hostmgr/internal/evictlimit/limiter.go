package evictlimit

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// A Limiter is the eviction limit of a registry. It counts each host twice: in its zone, and among
// all hosts. In each of the two scopes
//
//	missing = suspect + due + evicted during the last MaxHold - joined since
//
// Hosts that were evicted because their own hold expired do not count. The caller counts a host
// that is due as a suspect, even if the policy suspects no host.
type Limiter struct {
	config Config
	all    scope
	zones  []scope // by number; one without hosts is free
	index  map[string]uint8
	last   uint8                // the zone that was entered last
	gone   map[string]*lostZone // by name

	forgotten tally // of zones that are gone for good
}

// New returns a limiter without hosts.
func New(c Config) *Limiter {
	return &Limiter{config: c, index: map[string]uint8{}}
}

// scopes returns the two scopes in which a host of this zone is counted.
func (l *Limiter) scopes(zone uint8) [2]*scope { return [2]*scope{&l.zones[zone], &l.all} }

// Update recomputes where the limit is active. Call it in a sweep before the first eviction, when
// all hosts that are suspect or due are counted; after the sweep; and in a sweep with no bucket
// due.
func (l *Limiter) Update(stalls *detector.StallLog, now int64) {
	if !l.config.On() {
		return
	}
	l.all.update(l.config, stalls, now)
	for i := range l.zones {
		l.zones[i].update(l.config, stalls, now)
	}
}

// Spend pays for the eviction of a host in each scope where the limit is active. If a scope has too
// little, ok is false, nothing is paid, and why is the reason to hold the host.
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

// HoldLeft returns how much longer the limit may hold a host that it holds since then. If the
// result is 0 or less, the hold has expired. Stalls do not count.
func (l *Limiter) HoldLeft(since int64, stalls *detector.StallLog, now int64) int64 {
	return int64(l.config.MaxHold) - stalls.ObservedTime(since, now)
}

// Wait counts a host that begins or ceases to wait for the limit.
func (l *Limiter) Wait(zone uint8, waits bool) {
	more := -1
	if waits {
		more = 1
	}
	for _, s := range l.scopes(zone) {
		s.waiting += more
	}
}

// CreditJoin counts one recently evicted host of the zone as no longer missing, because a host has
// joined: it may be the same one.
func (l *Limiter) CreditJoin(zone uint8) {
	if !l.config.On() {
		return
	}
	for _, s := range l.scopes(zone) {
		s.evicted.takeBack()
	}
}

// CountEviction counts an evicted host as missing for one MaxHold. Do not call it for a host with
// an expired hold: otherwise a permanent loss would keep the limit active.
func (l *Limiter) CountEviction(zone uint8, now int64) {
	if !l.config.On() {
		return
	}
	for _, s := range l.scopes(zone) {
		s.evicted.add(now, l.config.MaxHold)
	}
}

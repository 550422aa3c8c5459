package pacing

import (
	"sync/atomic"
	"time"
)

// An Advisor knows the interval that is advised now. A nil Advisor advises nothing, and all of its
// methods may be called.
//
// The interval grows at once when hosts join. It shrinks by half of the time that passes, so by at
// most half in one interval. This leaves room for hosts that lost their connection and come back.
//
// A host's timeouts must be computed from the longest interval that it may be using: the one that
// it announced, or any that it may have been told since. So a change evicts no host even if the
// answer is lost. The caller ensures this: before Pick, it compares Interval with the interval of
// the host's timeouts.
type Advisor struct {
	config     Config
	base       uint64 // registrations are counted from it
	ramp       atomic.Pointer[ramp]
	burstUntil atomic.Int64 // the end of a burst of joins, if no more come
	joins      joins
}

// New returns an Advisor for a registry without hosts. Intervals are picked by the difference
// between a registration and firstRegistration, so that tests can repeat them.
func New(c Config, firstRegistration uint64) *Advisor {
	a := &Advisor{config: c, base: firstRegistration}
	a.set(ramp{from: c.target(0), to: c.target(0)})
	return a
}

// Joined counts a join. hosts is the number of hosts after it. Joined includes Update.
func (a *Advisor) Joined(hosts int, now int64) {
	if a == nil {
		return
	}
	a.joins.add(now)
	a.Update(hosts, now)
}

// Update adapts the interval to the number of hosts. It does not matter how often it is called
// while that number stays the same.
func (a *Advisor) Update(hosts int, now int64) {
	if a == nil {
		return
	}
	a.set(a.ramp.Load().toward(a.config.target(hosts), now))
	until := int64(0)
	if float64(a.joins.sum(now)) > max(1, a.config.PerSecond/20) {
		until = now + int64(time.Second)
	}
	a.burstUntil.Store(until)
}

func (a *Advisor) set(r ramp) {
	if old := a.ramp.Load(); old == nil || *old != r {
		fresh := r // so that only a change allocates
		a.ramp.Store(&fresh)
	}
}

// Interval returns the longest interval that a host may be told, or 0 if a is nil.
func (a *Advisor) Interval(now int64) time.Duration {
	if a == nil {
		return 0
	}
	return a.ramp.Load().at(now)
}

// QuoteJoin returns the arguments of Pick for a host that joins. In a burst of joins, which is more
// than a twentieth of PerSecond within a second, they spread the hosts between Min and the longer
// of the advised interval and 2 x Min (but at most Max). So hosts that restarted together do not
// send their heartbeats together.
func (a *Advisor) QuoteJoin(now int64) (had, most time.Duration) {
	most = a.Interval(now)
	if a != nil && now < a.burstUntil.Load() {
		return a.config.Min, max(most, min(2*a.config.Min, a.config.Max))
	}
	return most, most
}

// EffectiveInterval returns the interval from which to compute the timeouts of a host that
// announced said and may be told up to told: the longer one, rounded up to one of 64 steps in each
// doubling, and at most MaxInterval. It returns said if a is nil.
func (a *Advisor) EffectiveInterval(said, told time.Duration) time.Duration {
	if a == nil {
		return said
	}
	return min(roundUp(max(said, told)), a.config.MaxInterval)
}

// Pick returns the interval to tell a host, at random: at most most, and at least what Jitter
// allows. A host that had a shorter interval is told one between Min and most. This spreads hosts
// that are told of a longer interval at the same time. Pick returns 0 if a is nil: then the host
// keeps its own interval.
func (a *Advisor) Pick(registration uint64, had, most time.Duration, now int64) time.Duration {
	if a == nil {
		return 0
	}
	least := a.config.Min
	if had >= most {
		least = max(least, most-time.Duration(float64(most)*a.config.Jitter))
	}
	least = min(least, most)
	return least + time.Duration(random(registration-a.base, now)*float64(most-least))
}

package hostmgr

import (
	"fmt"
	"math"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/pacing"
)

// Pacing advises hosts an interval: short while there are few hosts, longer when there are many.
// The Ack of each Announce and Heartbeat carries the advice. The zero Pacing advises nothing: each
// host keeps the interval that it announced. Nomad scales heartbeats with the cluster in the same
// way: see its option max_heartbeats_per_second.
//
// The advised interval grows with each host that joins. It shrinks by half a second each second, so
// by half in one interval. This leaves room for hosts that were cut off and come back. An Ack may
// carry a shorter, random interval. This spreads hosts that restarted together:
//   - A host whose interval grows gets an interval between Min and the longer interval.
//   - A host that joins while more than PerSecond/20 hosts join in a second gets an interval
//     between Min and max(advised, 2 x Min), but at most Max.
//   - Otherwise Jitter says how much shorter it may be.
//
// A host with the interval Never is told no other one. It counts as a host like the others.
//
// If Max is below 2 x Min there is less room for this, and Jitter spreads hosts over many
// intervals.
//
// A host's timeouts are computed from the longest interval that it may be using: the interval that
// it last announced, or any interval that it was told since, rounded up to one of 64 steps in each
// power of two. So a change of the interval evicts no host, even if an Ack is lost. A Heartbeat
// does not say which interval its host uses, and neither does an Announce with a zero Interval. So
// a shorter interval counts from the next Announce that names it.
type Pacing struct {
	// Min and Max bound the interval, from 10 ms to 24 h. A zero Min means 30 s. A zero Max means
	// 10 x Min, but 24 h at most.
	Min, Max time.Duration
	// PerSecond is how many contacts all hosts together make in a second. It must be above 0,
	// except in the zero Pacing. Max takes precedence: above Max x PerSecond hosts there are more
	// contacts. In a shared registry it is for all members together, because each of them counts
	// the hosts of all.
	PerSecond float64
	// Jitter is the share by which an interval may be shorter than the advised one, at random, so
	// that hosts drift apart: from 0, which means none, to below 1. The average rate stays
	// PerSecond.
	Jitter float64
}

func (c Pacing) on() bool { return c != Pacing{} }

func (c Pacing) withDefaults() (Pacing, error) {
	given := c
	if c.Min == 0 {
		c.Min = DefaultInterval
	}
	if c.Max == 0 {
		c.Max = min(10*max(0, min(c.Min, maxInterval)), maxInterval)
	}
	what := ""
	switch p, j := c.PerSecond, c.Jitter; {
	case c.Min < minInterval || c.Min > maxInterval || c.Max > maxInterval:
		what = fmt.Sprintf("Min and Max are not between %v and %v", minInterval, maxInterval)
	case c.Max < c.Min:
		what = fmt.Sprintf("Max %v is below Min %v", c.Max, c.Min)
	case math.IsNaN(p) || math.IsInf(p, 0) || p <= 0:
		what = "PerSecond is not a finite number above 0"
	case math.IsNaN(j) || j < 0 || j >= 1:
		what = "Jitter is not at least 0 and below 1"
	default:
		return c, nil
	}
	return c, fmt.Errorf("%w: Pacing{Min: %v, Max: %v, PerSecond: %v, Jitter: %v}: %s",
		ErrInvalid, given.Min, given.Max, given.PerSecond, given.Jitter, what)
}

// newAdvisor returns the advisor of a registry, or nil for the zero Pacing.
func newAdvisor(p Pacing, firstRegistration uint64) *pacing.Advisor {
	if !p.on() {
		return nil
	}
	return pacing.New(pacing.Config{
		Min: p.Min, Max: p.Max, PerSecond: p.PerSecond, Jitter: p.Jitter, MaxInterval: maxInterval,
	}, firstRegistration)
}

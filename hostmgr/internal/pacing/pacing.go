// Package pacing computes the interval that a registry advises, by the number of its hosts: short
// while there are few, longer when there are many. Nomad scales heartbeats with the cluster in the
// same way, by its option max_heartbeats_per_second.
//
// The package knows no hosts and sends nothing. The caller passes the number of hosts, stores the
// interval from which each host's timeouts are computed, and sends the picked interval to the host.
// The package does not read a clock. The argument now is in nanoseconds and is not negative.
//
// Calls of Joined and Update must not be concurrent with each other. All other methods may be
// called at any time, and take no lock.
package pacing

import (
	"math"
	"time"
)

// A Config says which interval to advise. All fields must be set and valid.
type Config struct {
	// Min and Max bound the interval.
	Min, Max time.Duration
	// PerSecond is how many heartbeats per second all hosts together should send. There are more if
	// there are more than Max x PerSecond hosts.
	PerSecond float64
	// Jitter is the share, from 0 to below 1, by which an interval may be shorter than the advised
	// one, at random. On average the hosts keep to PerSecond.
	Jitter float64
	// MaxInterval bounds EffectiveInterval. It is at least Max.
	MaxInterval time.Duration
}

// target returns the interval for so many hosts. It is so long that Jitter does not make it shorter
// than Min.
func (c *Config) target(hosts int) time.Duration {
	least := c.Min.Seconds() / (1 - c.Jitter)
	switch seconds := max(float64(hosts)/c.PerSecond/(1-c.Jitter/2), least); {
	case seconds >= c.Max.Seconds():
		return c.Max
	case seconds == least:
		return time.Duration(math.Round(least * 1e9))
	default:
		return min(c.Max, roundUp(time.Duration(math.Round(seconds*1e9))))
	}
}

// roundUp rounds an interval up to one of 64 steps between each power of two of seconds and the
// next. So the registry has few different intervals, and whole seconds up to 64 are among them.
func roundUp(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	step := math.Ldexp(float64(time.Second)/64, math.Ilogb(d.Seconds()))
	return time.Duration(math.Ceil(float64(d)/step) * step)
}

// random returns a number from 0 to below 1 that looks random. It is SplitMix64 (Steele, Lea, Flood
// 2014), used as a hash: there is no state, and a test gets the same numbers each time.
func random(registration uint64, now int64) float64 {
	x := registration*0x9e3779b97f4a7c15 + uint64(now)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}

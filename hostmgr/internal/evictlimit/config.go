// Package evictlimit limits mass eviction: many hosts that fall silent at once are more often cut
// off than dead. It counts the hosts of each zone, computes where too many are missing, and grants
// a limited number of evictions a second there. It also remembers what a zone has lost, even if the
// zone has no hosts any more.
//
// It knows numbers of zones, not hosts. The caller decides which hosts are suspect, due or held,
// and keeps the deadlines of held hosts. The package reads no clock; time is an int64 of monotonic
// nanoseconds. Nothing here is safe for concurrent use: the caller's lock guards it.
package evictlimit

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// Config says when the limit is active, and how many evictions it then grants. The zero Config
// limits nothing; the same goes for one with only MaxHold. It is not validated here.
type Config struct {
	// MaxFraction is the share of hosts that may be missing before the limit is active, from 0 to
	// 1. If it is 0, and PerSecond is not, the limit is always active.
	MaxFraction float64
	// PerSecond is how many hosts may be evicted in a second while the limit is active. While the
	// limit holds no host, it saves up the evictions of one second, and at least one eviction. Zero
	// means none.
	PerSecond float64
	// MaxHold is how long a host is held at most, less stalls, and how long an evicted host counts
	// as missing. It is not 0.
	MaxHold time.Duration
}

// On reports whether the limit can ever be active.
func (c Config) On() bool { return c.MaxFraction != 0 || c.PerSecond != 0 }

// cost is how long the limit saves up for one eviction, in nanoseconds. If it grants none, cost is
// more than it can ever save up.
func (c Config) cost() int64 {
	if c.PerSecond == 0 {
		return detector.Never + 1
	}
	return int64(min(float64(time.Second)/c.PerSecond, float64(detector.MaxTimeout)))
}

// maxSaved is what the limit saves up while it holds no host.
func (c Config) maxSaved() int64 { return max(c.cost(), int64(time.Second)) }

// exceeded reports whether too many of the hosts are missing. A single missing host is never too
// many.
func (c Config) exceeded(missing, total int) bool {
	return c.MaxFraction == 0 || missing > 1 && float64(missing)/float64(total) > c.MaxFraction
}

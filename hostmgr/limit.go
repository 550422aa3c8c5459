package hostmgr

import (
	"fmt"
	"math"
	"time"
)

const defaultMaxHold = 5 * time.Minute

// An EvictionLimit slows down mass eviction. Many hosts that fall silent at once are more likely
// cut off than dead. The zero EvictionLimit holds no host, and neither does an EvictionLimit with
// only MaxHold set.
//
// The limit is active in a zone while more than MaxFraction of its hosts are missing, and in all
// zones while more than MaxFraction of all hosts are:
//
//	missing = suspect + due + evicted during the last MaxHold - joined since
//
// Hosts whose own hold expired do not count. A single missing host never triggers the limit. A zone
// without hosts is forgotten, and evictions age in steps of an eighth of MaxHold. Hosts beyond the
// 64th zone are in zone "other" here: see Announcement.Zone.
//
// While the limit is active, at most PerSecond hosts of the zone, or of all zones, are evicted in a
// second. It holds the other hosts that are due: they are StateOffline, Host.Hold says why, and a
// single contact saves them.
//
// When the limit is no longer active, it still applies to each host for one interval of that host,
// as after a stall. Otherwise, when a network partition heals, the hosts that come back last would
// be evicted as soon as the others are back. After the limit has released a host, it does not hold
// that host again while Confirm holds it.
//
// No host is held for longer than MaxHold. So the hosts of a permanent loss, whatever their share,
// are evicted at most MaxHold after the last of their deadlines. Eureka's self-preservation, the
// model for this limit, may hold hosts forever: see Eureka's issue 1073.
type EvictionLimit struct {
	// MaxFraction is the share of hosts that may be missing, from 0 to 1. If it is zero and
	// PerSecond is not, the limit is always active.
	MaxFraction float64
	// PerSecond is how many hosts may be evicted in a second while the limit is active. While the
	// limit holds no host, it saves up the evictions of one second, and at least one eviction. Zero
	// means that no host may be evicted.
	PerSecond float64
	// MaxHold is the longest time that a host is held, less stalls. A stall that moves the host's
	// deadline starts this time again. Zero means 5 minutes.
	MaxHold time.Duration
}

func (g EvictionLimit) on() bool { return g.MaxFraction != 0 || g.PerSecond != 0 }

func (g EvictionLimit) validate() error {
	what := ""
	switch f, p := g.MaxFraction, g.PerSecond; {
	case math.IsNaN(f) || f < 0 || f > 1:
		what = "MaxFraction is not between 0 and 1"
	case math.IsNaN(p) || math.IsInf(p, 0) || p < 0:
		what = "PerSecond is not a finite number of at least 0"
	case g.MaxHold < 0 || g.MaxHold > maxTimeout:
		what = "MaxHold is negative, or longer than 36 years"
	default:
		return nil
	}
	return fmt.Errorf("%w: EvictionLimit{MaxFraction: %v, PerSecond: %v, MaxHold: %v}: %s",
		ErrInvalid, g.MaxFraction, g.PerSecond, g.MaxHold, what)
}

package hostmgr

import (
	"fmt"
	"math"
	"time"
)

const defaultHold = 5 * time.Minute

// A Guard is the brake on mass eviction: many hosts that fall silent at once are more
// often cut off than dead. The zero Guard holds nobody, nor does one of which only Hold is
// set.
//
// It grips a zone while more than MaxFraction of its hosts are missing, and all zones
// while more than MaxFraction of all hosts are. Missing are those that are suspect or due,
// and those that were evicted within the last Hold (to an eighth of it), less as many as
// have joined since; not those that it had to let go because their Hold was over. One alone
// is never too many. A zone that nobody is left in is forgotten.
//
// While it grips, at most PerSecond go, of the zone, or of all if it grips all. The others
// stay: they are Offline, Host.Held says why, and a single sign of life saves them. When it
// grips no more, each host has its own interval to be heard in, as after a stall: of a cut
// that heals, those that come back last are not evicted because the others were back. Whom
// it has let go it does not hold again while Confirm does.
//
// It holds nobody for longer than Hold. So a loss that is permanent, of whatever share, is
// gone Hold after the last of its deadlines. (Eureka's self-preservation, which this is
// after, may hold for ever: see issue 1073 there.)
type Guard struct {
	// MaxFraction is the share of hosts that may be missing, from 0 to 1. Zero, beside a
	// PerSecond, means that it always grips.
	MaxFraction float64
	// PerSecond is how many may go while it grips. While it holds nobody it saves up those
	// of one second, or one. Zero means none.
	PerSecond float64
	// Hold is how long a host is held at most, time in a stall not counted; a stall that
	// puts its deadline off begins it anew. Zero means 5 minutes.
	Hold time.Duration
}

func (g Guard) on() bool { return g.MaxFraction != 0 || g.PerSecond != 0 }

func (g Guard) validate() error {
	what := ""
	switch f, p := g.MaxFraction, g.PerSecond; {
	case math.IsNaN(f) || f < 0 || f > 1:
		what = "MaxFraction is not between 0 and 1"
	case math.IsNaN(p) || math.IsInf(p, 0) || p < 0:
		what = "PerSecond is not a finite number of at least 0"
	case g.Hold < 0 || g.Hold > maxPatience:
		what = "Hold is negative, or longer than 36 years"
	default:
		return nil
	}
	return fmt.Errorf("%w: Guard{MaxFraction: %v, PerSecond: %v, Hold: %v}: %s",
		ErrInvalid, g.MaxFraction, g.PerSecond, g.Hold, what)
}

// cost is how long the guard saves up for one eviction, in nanoseconds.
func (g Guard) cost() int64 {
	if g.PerSecond == 0 {
		return never + 1
	}
	return int64(min(float64(time.Second)/g.PerSecond, float64(maxPatience)))
}

// most is what it saves up while it holds nobody.
func (g Guard) most() int64 { return max(g.cost(), int64(time.Second)) }

// tooMany tells whether the guard grips where so many of so many are missing.
func (g Guard) tooMany(missing, total int) bool {
	return g.MaxFraction == 0 || missing > 1 && float64(missing)/float64(total) > g.MaxFraction
}

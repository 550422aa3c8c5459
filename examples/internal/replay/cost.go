package replay

import (
	"math"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// price is what a needless eviction costs: as much as metadata of one host that is stale for so long.
type price time.Duration

// defaultPrice is sim.NeedlessWithin. Keeping the metadata until the host was back would have cost
// that much at most.
const defaultPrice = 30 * time.Minute

func (p price) hours() float64 { return time.Duration(p).Hours() }

// cost is in host-hours of stale metadata.
func (p price) cost(x *played) float64 {
	return x.StaleHours() + p.hours()*float64(x.Needless)
}

// span returns for which prices no other policy costs less than the best. From a price on, a policy
// with fewer needless evictions does; below a price, one with less stale metadata.
func span(best *played, others []*played) (low, high float64) {
	high = math.Inf(1)
	for _, o := range others {
		fewer := best.Needless - o.Needless
		at := (o.StaleHours() - best.StaleHours()) / float64(fewer)
		switch {
		case fewer > 0:
			high = min(high, at)
		case fewer < 0:
			low = max(low, at)
		}
	}
	return low, high
}

// frontier returns the policies to which no other is preferable in one way, and as good in the other.
func frontier(all []*played) (names []string) {
	for _, p := range all {
		beaten := false
		for _, o := range all {
			fewer, fresher := p.Needless-o.Needless, p.StaleHours()-o.StaleHours()
			beaten = beaten || fewer >= 0 && fresher >= 0 && (fewer > 0 || fresher > 0)
		}
		if !beaten {
			names = append(names, p.name)
		}
	}
	return names
}

// tolerates tells whether a host that loses one contact keeps its registration under a policy.
func (c *config) tolerates(p hostmgr.Policy) bool {
	_, evict := p.Timeouts(hostmgr.History{Interval: c.interval, Mean: c.interval, Deviation: c.spread / 4, Count: 1000})
	return evict == 0 || evict >= 2*c.interval+c.spread
}

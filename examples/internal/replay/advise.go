package replay

import (
	"fmt"
	"slices"
	"strings"
)

// An advice names the policy that costs least.
type advice struct {
	Policy   string   `json:"name"`
	Cost     float64  `json:"cost_host_hours"`
	Frontier []string `json:"frontier"`

	price, priceReturned float64
	free                 bool // no eviction costs anything
}

// advise weighs stale metadata against evictions.
func (c *config) advise(all []played) *advice {
	a := &advice{price: c.price, priceReturned: c.priceReturned, free: true}
	charge := func(p *played) float64 { return c.price*float64(p.False) + c.priceReturned*float64(p.Returned5) }
	for i := range all {
		p, cost := &all[i], charge(&all[i])+all[i].StaleHours()
		a.free = a.free && charge(p) == 0
		if a.Policy == "" || cost < a.Cost {
			a.Policy, a.Cost = p.name, cost
		}
		beaten := slices.ContainsFunc(all, func(o played) bool {
			return o.StaleHours() <= p.StaleHours() && charge(&o) <= charge(p) && o.StaleHours()+charge(&o) < cost
		})
		if !beaten && !slices.Contains(a.Frontier, p.name) {
			a.Frontier = append(a.Frontier, p.name)
		}
	}
	a.Cost = round(a.Cost)
	return a
}

// String says it in words.
func (a *advice) String() string {
	s := fmt.Sprintf("recommended: %s, which costs %.1f host-hours, where a false eviction is worth %g and one of a host back within 5 min %g; on the frontier: %s",
		a.Policy, a.Cost, a.price, a.priceReturned, strings.Join(a.Frontier, ", "))
	if a.free {
		s += "\nNo eviction has a price here, so the least timeout wins: see -price-returned, and -loss."
	}
	return s
}

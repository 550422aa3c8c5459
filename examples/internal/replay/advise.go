package replay

import (
	"cmp"
	"slices"
)

// An advice names the policy that costs least. Keys are added at the end, and never change.
type advice struct {
	Policy   string   `json:"name"`
	Cost     float64  `json:"cost_host_hours"`
	Frontier []string `json:"frontier"`
	Instead  string   `json:"instead_of"`
	Fewer    int      `json:"fewer_needless_evictions"`
	More     float64  `json:"more_stale_host_hours"`
	LeftOut  []string `json:"left_out,omitempty"`

	best, usual *played // best is nil if there is no recommendation
	cheapest    *played // of all, considered or not
	considered  []*played
	price       price
	is          string // what the usual policy is
	why         string // there is no recommendation
}

// advise weighs stale metadata against needless evictions.
func (c *config) advise(all []played) *advice {
	a := &advice{price: price(c.price), is: "the default"}
	if c.usual.name != defaultPolicy {
		a.is = "the policy of the recording"
	}
	var played []*played
	for i := range all {
		p := &all[i]
		played = append(played, p)
		if p.name == c.usual.name {
			a.usual = p
		}
		if c.lossGiven || c.tolerates(p.policy) {
			a.considered = append(a.considered, p)
		} else {
			a.LeftOut = append(a.LeftOut, p.name)
		}
	}
	if a.why = a.obstacle(); a.why == "" {
		a.cheapest = a.least(played)
		a.choose()
	}
	return a
}

// obstacle says why no policy can be recommended.
func (a *advice) obstacle() string {
	switch {
	case len(a.considered) == 0:
		return "each policy evicts a host after one lost contact, and a trace has no lost contacts: see -loss"
	case !slices.ContainsFunc(a.considered, func(p *played) bool { return p.Outages+p.Needless > 0 }):
		return "there is no outage in this trace"
	}
	return ""
}

// choose chooses a policy that was considered.
func (a *advice) choose() {
	a.best = a.least(a.considered)
	a.Policy, a.Cost, a.Instead = a.best.name, round(a.price.cost(a.best)), a.usual.name
	a.Frontier = frontier(a.considered)
	a.Fewer, a.More = a.usual.Needless-a.best.Needless, round(a.best.StaleHours()-a.usual.StaleHours())
}

// least returns the policy that costs least, and of those that cost the same the usual one.
func (a *advice) least(all []*played) *played {
	best := all[0]
	for _, p := range all {
		if d := cmp.Compare(a.price.cost(p), a.price.cost(best)); d < 0 || d == 0 && p == a.usual {
			best = p
		}
	}
	return best
}

// rows are those that were chosen, and those that the recommendation is about.
func (a *advice) rows(chosen []played) []played {
	rows := slices.Clone(chosen)
	if a == nil || a.best == nil {
		return rows
	}
	for _, p := range []*played{a.usual, a.best} {
		if !slices.ContainsFunc(rows, func(o played) bool { return o.name == p.name }) {
			rows = append(rows, *p)
		}
	}
	return rows
}

// mark is what stands at the end of a row.
func (a *advice) mark(p *played) string {
	switch {
	case a == nil || a.best == nil:
		return ""
	case p.name == a.best.name:
		return "recommended"
	case p.name == a.usual.name:
		return a.is
	}
	return ""
}

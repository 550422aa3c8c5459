package outage

import (
	"math/rand/v2"
	"time"
)

// Unrounded is the trace with each beginning and end of an outage put somewhere within the second,
// or the minute, that it was rounded to: whichever all of its times are whole numbers of. Otherwise hosts
// whose outages end at full minutes would heartbeat at full minutes, and those that begin at full minutes
// would begin right at a heartbeat. The outages stay apart, and in order, for they were so by a whole unit.
func (t *Trace) Unrounded(seed uint64) *Trace {
	unit := t.unit()
	if unit == 0 {
		return t
	}
	fresh := *t
	fresh.Nodes = make([]Node, len(t.Nodes))
	outages := make([]Outage, 0, t.Outages())
	for i, n := range t.Nodes {
		rng, from := rand.New(rand.NewPCG(seed, uint64(i))), len(outages)
		for _, o := range n.Outages {
			if o.Down > n.From {
				o.Down += rng.Int64N(unit)
			}
			if o.Up < n.To {
				o.Up += rng.Int64N(unit)
			}
			outages = append(outages, o)
		}
		n.Outages = outages[from:len(outages):len(outages)]
		fresh.Nodes[i] = n
	}
	return &fresh
}

// unit is a minute, a second or, if times are finer than that, zero.
func (t *Trace) unit() int64 {
	unit := int64(time.Minute)
	for i := range t.Nodes {
		n := &t.Nodes[i]
		unit = coarser(unit, n.From, n.To)
		for _, o := range n.Outages {
			unit = coarser(unit, o.Down, o.Up)
		}
	}
	return unit
}

// coarser is the unit, or the next one that both times are whole numbers of.
func coarser(unit, from, to int64) int64 {
	for _, smaller := range [2]int64{int64(time.Second), 0} {
		if unit > 0 && (from%unit != 0 || to%unit != 0) {
			unit = smaller
		}
	}
	return unit
}

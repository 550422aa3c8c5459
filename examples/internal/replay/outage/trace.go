// Package outage has traces of nodes that were up and down: reads them from the formats that
// they come in, makes them up, and writes them.
package outage

import (
	"sort"
	"time"
)

// A Trace says when which node was down. All its times are nanoseconds since Start.
type Trace struct {
	Start time.Time
	End   int64 // its last moment
	Nodes []Node
	Notes Notes // what was wrong with the file

	Samples  []Sample      // the first rows of each of the Notes
	Interval time.Duration // at which its hosts heartbeat; zero: that is not known
	Policy   string        // that a log was recorded with
}

// A Node exists from From to To, and is up but for its outages: in order, apart from one
// another, none empty.
type Node struct {
	Name     string
	From, To int64
	Outages  []Outage
}

// An Outage lasts from Down until Up, at which the node is back.
type Outage struct{ Down, Up int64 }

// Outages is the number of all outages.
func (t *Trace) Outages() (n int) {
	for i := range t.Nodes {
		n += len(t.Nodes[i].Outages)
	}
	return n
}

// Days is how long the trace is.
func (t *Trace) Days() float64 { return time.Duration(t.End).Hours() / 24 }

// First is the trace of the first so many nodes, up to a moment; zero means all of them, and
// to the end.
func (t *Trace) First(nodes int, d time.Duration) *Trace {
	cut := *t
	cut.Nodes = nil
	if d > 0 {
		cut.End = min(t.End, int64(d))
	}
	for i, n := range t.Nodes {
		if nodes > 0 && i == nodes {
			break
		}
		if n.From < cut.End || n.From == 0 {
			cut.Nodes = append(cut.Nodes, n.until(cut.End))
		}
	}
	return &cut
}

// until is the node up to a moment.
func (n Node) until(end int64) Node {
	n.To = min(n.To, end)
	last := sort.Search(len(n.Outages), func(i int) bool { return n.Outages[i].Down >= n.To })
	n.Outages = n.Outages[:last:last]
	if last > 0 && n.Outages[last-1].Up > n.To {
		n.Outages = append([]Outage(nil), n.Outages...)
		n.Outages[last-1].Up = n.To
	}
	return n
}

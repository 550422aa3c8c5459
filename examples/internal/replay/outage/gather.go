package outage

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	maxName    = 128 // bytes of a node's name
	oneYear    = 365 * 24 * time.Hour
	longest    = int64(10 * oneYear)
	lastMoment = int64(4_102_444_800) * int64(time.Second) // 2100
	openEnd    = int64(-1)                                 // of an outage that lasts until the trace ends
)

// Limits bound what reading a trace may take, whatever the file. What lies beyond the first four is
// counted and passed over; a trace that needs more Memory is an error.
type Limits struct {
	Line   int   // bytes of a line
	Bytes  int64 // of the file, unpacked
	Rows   int   // outages that are kept
	Nodes  int
	Memory int64 // bytes for all that is kept: of nodes, their names, outages, and what is counted of them
}

// DefaultLimits are good for some 700 MB of memory at the very worst.
var DefaultLimits = Limits{Line: 1 << 16, Bytes: 1 << 30, Rows: 5 << 20, Nodes: 1 << 20, Memory: 640 << 20}

// What is kept costs so many bytes, with the garbage that comes with it: measured, as what the process has
// at most, from the file's first line until the trace has been played.
const (
	rowCost   = 110
	nodeCost  = 300
	nameCost  = 2 // for each byte of a name
	entryCost = 150
)

// ErrTooLarge is wrapped by the error about a trace that needs more memory than Limits allow.
var ErrTooLarge = errors.New("the trace is too large")

// A gatherer takes the rows of a file in any order, and makes a trace of them. Its times are
// nanoseconds since 1970.
type gatherer struct {
	Limits
	ledger
	names    map[string]int32
	nodes    []sighting
	rows     []row
	interval time.Duration // at which hosts heartbeat, if that is known
	policy   string        // that the file was recorded with, if that is known
	whole    bool          // nodes exist from the first to the last moment of the trace, whatever their rows
	spent    int64         // of Limits.Memory
}

// A sighting is what is known of a node: its first and last moment, and where its latest row began.
type sighting struct {
	name              string
	first, last, rows int64
}

type row struct {
	node, line int32
	down, up   int64
}

// spend tells whether there is memory for so much more.
func (g *gatherer) spend(bytes int) bool {
	g.spent += int64(bytes)
	return g.spent <= g.Memory
}

// tooMuch says what needs more memory than there may be.
func (g *gatherer) tooMuch() error {
	return fmt.Errorf("%w: the limit is %d MB of memory for what is kept of it, and %d nodes with %d outages take more",
		ErrTooLarge, g.Memory>>20, len(g.nodes), len(g.rows))
}

// node finds a node by its name, or makes it known.
func (g *gatherer) node(name []byte) (int32, Kind) {
	if i, ok := g.names[string(name)]; ok {
		return i, fine
	}
	switch {
	case len(name) == 0 || len(name) > maxName:
		return 0, Malformed
	case len(g.nodes) == g.Nodes:
		return 0, BeyondLimit
	case !g.spend(nodeCost + nameCost*len(name)):
		return 0, tooLarge
	}
	i, s := int32(len(g.nodes)), string(name)
	g.names[s] = i
	g.nodes = append(g.nodes, sighting{name: s, first: -1})
	return i, fine
}

// add takes a row: a node was down, or up, from a moment to another.
func (g *gatherer) add(name []byte, down bool, from, to int64) Kind {
	if k := plausible(from, to); k != fine {
		return k
	}
	if down && len(g.rows) == g.Rows {
		return BeyondLimit
	}
	i, k := g.node(name)
	if k != fine {
		return k
	}
	g.see(i, from, max(from, to))
	if down && !g.spend(rowCost) {
		return tooLarge
	}
	if down {
		g.rows = append(g.rows, row{i, int32(g.line), from, to})
	}
	return fine
}

func plausible(from, to int64) Kind {
	switch {
	case from < 0 || from > lastMoment || to < openEnd || to > lastMoment:
		return AbsurdTime
	case to == openEnd:
		return fine
	case to < from:
		return Negative
	case to == from:
		return ZeroLength
	case to-from > longest:
		return AbsurdTime
	}
	return fine
}

// see takes note that a node was there from a moment to another.
func (g *gatherer) see(node int32, from, to int64) {
	s := &g.nodes[node]
	if s.first < 0 {
		s.first, s.last, s.rows = from, to, from
		return
	}
	if from < s.rows {
		g.note(OutOfOrder)
	}
	s.first, s.last, s.rows = min(s.first, from), max(s.last, to), from
}

// trace makes the trace.
func (g *gatherer) trace() *Trace {
	first, last := g.span()
	t := &Trace{Start: time.Unix(0, first).UTC(), End: last - first, Nodes: make([]Node, len(g.nodes))}
	for i, s := range g.nodes {
		t.Nodes[i] = Node{Name: s.name, To: t.End}
		if !g.whole {
			t.Nodes[i].From, t.Nodes[i].To = s.first-first, s.last-first
		}
	}
	g.settle(last)
	g.merge(t, first)
	t.Notes, t.Samples, t.Interval, t.Policy = g.notes, slices.Concat(g.samples[:]...), g.interval, g.policy
	return t
}

// span is the first and the last moment of all nodes.
func (g *gatherer) span() (first, last int64) {
	first = lastMoment
	for _, s := range g.nodes {
		if s.first >= 0 {
			first, last = min(first, s.first), max(last, s.last)
		}
	}
	return min(first, last), last
}

// settle gives the outages that are open their end, and puts all in order.
func (g *gatherer) settle(last int64) {
	g.rows = slices.DeleteFunc(g.rows, func(r row) bool {
		empty := r.up == openEnd && r.down == last
		if empty {
			g.noteOutage(r, ZeroLength)
		}
		return empty
	})
	for i := range g.rows {
		if g.rows[i].up == openEnd {
			g.rows[i].up = last
		}
	}
	slices.SortFunc(g.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.down, b.down), cmp.Compare(a.up, b.up))
	})
}

// merge makes one outage of those that overlap or touch.
func (g *gatherer) merge(t *Trace, first int64) {
	all := make([]Outage, 0, len(g.rows)) // one piece of memory, of which each node has its part
	for from := 0; from < len(g.rows); {
		node, begin := g.rows[from].node, len(all)
		to := from
		for ; to < len(g.rows) && g.rows[to].node == node; to++ {
			o := Outage{g.rows[to].down - first, g.rows[to].up - first}
			if len(all) == begin || o.Down > all[len(all)-1].Up {
				all = append(all, o)
				continue
			}
			prev := &all[len(all)-1]
			g.noteOutage(g.rows[to], joint(o.Down, prev.Up))
			prev.Up = max(prev.Up, o.Up)
		}
		t.Nodes[node].Outages = all[begin:len(all):len(all)]
		from = to
	}
}

// noteOutage counts an outage when its row is not at hand any more.
func (g *gatherer) noteOutage(r row, k Kind) {
	end := "the end"
	if r.up != openEnd {
		end = stamp(r.up)
	}
	g.at(int(r.line), fmt.Appendf(nil, "%s was down from %s to %s", g.nodes[r.node].name, stamp(r.down), end))
	g.note(k)
}

func stamp(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

func joint(down, up int64) Kind {
	if down == up {
		return Touching
	}
	return Overlap
}

package outage

import (
	"bytes"
	"time"
)

// lanl is the list of failures of Los Alamos, LA-UR-05-7318.
var lanl = Format{
	Name: "lanl",
	About: `Los Alamos' list of failures (LA-UR-05-7318): CSV with a line of headings. The columns
System, nodenumz, "Prob Started" and "Prob Fixed" (m/d/yyyy h:mm) are read. A node is a pair of System
and nodenumz. Local times are treated as UTC. Every node exists from the first to the last moment of
the trace. Nodes that never failed are not in it.`,
	fits: fitsLANL,
	read: func(g *gatherer, in *input) error {
		g.whole = true
		at := usual
		return in.each(func(line []byte) Kind { return g.lanlRow(line, &at) })
	},
}

// headings are the columns in which things stand.
type headings struct{ system, node, started, fixed int }

// usual is where the columns stand if the headings do not say it.
var usual = headings{system: 0, node: 6, started: 16, fixed: 17}

// fitsLANL looks for the headings, or for a time in its usual column.
func fitsLANL(line []byte) bool {
	c := fields(line, nil)
	if at := usual; at.find(c) {
		return true
	}
	if len(c) <= usual.fixed {
		return false
	}
	_, ok := minutes(c[usual.started])
	return ok
}

func (g *gatherer) lanlRow(line []byte, at *headings) Kind {
	var buf [64][]byte
	c := fields(line, buf[:0])
	if at.find(c) {
		return fine
	}
	if len(c) <= max(at.system, at.node, at.started, at.fixed) || len(c[at.system]) == 0 || len(c[at.node]) == 0 {
		return Malformed
	}
	from, ok := minutes(c[at.started])
	if !ok {
		return Malformed
	}
	if len(c[at.fixed]) == 0 {
		return NoEnd
	}
	to, ok := minutes(c[at.fixed])
	if !ok {
		return Malformed
	}
	var name [2 * maxName]byte
	return g.add(append(append(append(name[:0], c[at.system]...), '/'), c[at.node]...), true, from, to)
}

// find tells whether these are the headings, and if so takes them over.
func (h *headings) find(c [][]byte) bool {
	found := headings{-1, -1, -1, -1}
	for i, name := range c {
		switch string(name) {
		case "System":
			found.system = i
		case "nodenumz":
			found.node = i
		case "Prob Started":
			found.started = i
		case "Prob Fixed":
			found.fixed = i
		}
	}
	if min(found.system, found.node, found.started, found.fixed) < 0 {
		return false
	}
	*h = found
	return true
}

// fields splits a line of CSV at its commas, but for those within quotes.
func fields(line []byte, into [][]byte) [][]byte {
	quoted, from := false, 0
	for i, b := range line {
		switch {
		case b == '"':
			quoted = !quoted
		case b == ',' && !quoted:
			into, from = append(into, field(line[from:i])), i+1
		}
	}
	return append(into, field(line[from:]))
}

func field(b []byte) []byte { return bytes.Trim(b, " \t\"") }

// minutes reads a moment as in 9/26/2003 16:40.
func minutes(b []byte) (int64, bool) {
	t, err := time.Parse("1/2/2006 15:04", string(b))
	if err != nil {
		return 0, false
	}
	return clamp(float64(t.Unix()), t.UnixNano()), true
}

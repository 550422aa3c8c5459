package outage

import "time"

// simple is a format of our own.
var simple = Format{
	Name: "csv",
	About: `rows of node,down,up: the node was down between these two times, in Unix seconds (with or without
a fraction) or in the form 2006-01-02T15:04:05Z. Without up, the node was still down at the end of the
trace. A row "node,," is a node without an outage. A first row with these headings, and lines that
begin with #, are skipped. Every node exists from the first to the last moment of the trace.`,
	read: func(g *gatherer, in *input) error {
		g.whole = true
		return in.each(g.simpleRow)
	},
}

func (g *gatherer) simpleRow(line []byte) Kind {
	var buf [4][]byte
	c := fields(line, buf[:0])
	switch {
	case len(c) != 3:
		return Malformed
	case string(c[0]) == "node" && string(c[1]) == "down" && string(c[2]) == "up":
		return fine
	case len(c[1]) == 0 && len(c[2]) == 0:
		_, k := g.node(c[0])
		return k
	}
	from, ok := moment(c[1])
	if !ok {
		return Malformed
	}
	if len(c[2]) == 0 {
		return g.add(c[0], true, from, openEnd)
	}
	to, ok := moment(c[2])
	if !ok {
		return Malformed
	}
	return g.add(c[0], true, from, to)
}

func moment(b []byte) (int64, bool) {
	if ns, ok := seconds(b); ok {
		return ns, true
	}
	t, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return 0, false
	}
	return clamp(float64(t.Unix()), t.UnixNano()), true
}

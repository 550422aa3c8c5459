package outage

import "bytes"

// simple is a format of our own.
var simple = Format{
	Name: "csv",
	About: `rows of node,down,up: the node was down between these two times. A time is one of

	1126256461, 1126256461.5          Unix seconds
	1126256461500                     Unix milliseconds: a whole number from 100000000000 on
	2005-09-09T09:01:01Z              with a zone (Z, UTC, +02, +0200, +02:00) or without: that is UTC
	2005-09-09 09:01:01.500           with T or a space, and with a fraction or without
	2005-09-09 09:01                  without seconds

Without up, the node was still down at the end of the trace. A row "node,," is a node without an
outage. A first row with these headings, and lines that begin with #, are skipped. Every node exists
from the first to the last moment of the trace.`,
	fits: fitsSimple,
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
	case isHeading(c):
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

func isHeading(c [][]byte) bool {
	return bytes.EqualFold(bytes.Join(c, []byte(",")), []byte("node,down,up"))
}

// fitsSimple looks for the headings, or for times in two of three columns.
func fitsSimple(line []byte) bool {
	c := fields(line, nil)
	if len(c) != 3 || len(c[0]) == 0 {
		return false
	}
	return isHeading(c) || isMoment(c[1]) && isMoment(c[2])
}

// isMoment tells whether this is a time, or missing.
func isMoment(b []byte) bool {
	_, ok := moment(b)
	return ok || len(b) == 0
}

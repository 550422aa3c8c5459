package outage

import "bytes"

// fta is the event trace of the Failure Trace Archive.
var fta = Format{
	Name: "fta",
	About: `the Failure Trace Archive's event trace: columns separated by tabs, event_id component_id node_id
platform_id node_name event_type event_start_time event_stop_time event_end_reason. From
start to stop (Unix seconds) the node was unavailable (type 0) or available (type 1). A node is a
pair of platform_id and node_id. It exists from the first to the last moment of its own rows.`,
	fits: fitsFTA,
	read: func(g *gatherer, in *input) error { return in.each(g.ftaRow) },
}

const (
	ftaNode = 2 + iota
	ftaPlatform
	ftaName
	ftaType
	ftaStart
	ftaStop
	ftaLeast // so many columns at least
)

// fitsFTA looks for a type and two times in their columns.
func fitsFTA(line []byte) bool {
	var c [ftaLeast][]byte
	if !columns(line, '\t', c[:]) {
		return false
	}
	_, ok1 := seconds(c[ftaStart])
	_, ok2 := seconds(c[ftaStop])
	return ok1 && ok2 && (string(c[ftaType]) == "0" || string(c[ftaType]) == "1")
}

func (g *gatherer) ftaRow(line []byte) Kind {
	var c [ftaLeast][]byte
	if !columns(line, '\t', c[:]) || len(c[ftaNode]) == 0 {
		return Malformed
	}
	from, ok1 := seconds(c[ftaStart])
	to, ok2 := seconds(c[ftaStop])
	if !ok1 || !ok2 {
		return Malformed
	}
	down := string(c[ftaType]) == "0"
	if !down && string(c[ftaType]) != "1" {
		return UnknownState
	}
	var name [2 * maxName]byte
	return g.add(append(append(append(name[:0], c[ftaPlatform]...), '/'), c[ftaNode]...), down, from, to)
}

// columns splits a line into its first columns; it may have more.
func columns(line []byte, sep byte, into [][]byte) bool {
	for i := range into {
		end := bytes.IndexByte(line, sep)
		if end < 0 {
			into[i] = bytes.TrimSpace(line)
			return i == len(into)-1
		}
		into[i], line = bytes.TrimSpace(line[:end]), line[end+1:]
	}
	return true
}

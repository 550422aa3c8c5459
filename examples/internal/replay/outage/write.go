package outage

import (
	"bufio"
	"fmt"
	"io"
	"time"
)

// WriteFTA writes the trace in the format of the Failure Trace Archive, in whole seconds: for each
// node its outages, and the times between them.
func (t *Trace) WriteFTA(to io.Writer) error {
	w := bufio.NewWriter(to)
	_, _ = fmt.Fprintln(w, "# event_id component_id node_id platform_id node_name event_type event_start_time event_stop_time event_end_reason")
	id := 0
	for i := range t.Nodes {
		if _, err := w.Write(nil); err != nil { // of a write before
			return err
		}
		n := &t.Nodes[i]
		event := func(kind int, from, until int64) {
			if from < until {
				_, _ = fmt.Fprintf(w, "%d\t0\t%d\t0\t%s\t%d\t%d\t%d\tNULL\n", id, i, Printable(n.Name), kind, t.unix(from), t.unix(until))
				id++
			}
		}
		at := n.From
		for _, o := range n.Outages {
			event(1, at, o.Down)
			event(0, o.Down, o.Up)
			at = o.Up
		}
		event(1, at, n.To)
	}
	return w.Flush()
}

func (t *Trace) unix(at int64) int64 { return t.Start.Add(time.Duration(at)).Unix() }

package outage

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/hostlife/hostlife/hostmgr/flight"
)

// hostlife is the format of a registry's flight recorder.
var hostlife = Format{
	Name: "hostlife",
	About: `the log of a registry's flight recorder (hostmgr.Config.Recorder). The log does not say when
a host went down. So a host counts as down from half an interval after its last contact, until its
next contact or join. Only silences of more than 1.5 intervals are known. A host that left and joins
again is another node. Hosts send heartbeats at the interval that most of them joined with, unless
-interval says otherwise. In addition, each recorded silence is replayed as it was: see -verdicts.`,
	fits: fitsHostlife,
	read: func(g *gatherer, in *input) error {
		if in.err != nil {
			return in.err
		}
		l := rows{
			gatherer: g, down: map[string]int64{}, times: map[string]int{}, gone: map[string]bool{},
			intervals: map[time.Duration]int{},
		}
		lines := &oneByOne{in: in.buf}
		for r, err := range flight.Read(lines) {
			in.lines.Add(1)
			if in.ctx.Err() != nil {
				return in.ctx.Err()
			}
			g.at(r.Line, lines.text)
			if err != nil && !errors.Is(err, flight.ErrTruncated) && !errors.Is(err, flight.ErrLine) {
				return err
			}
			k := l.judge(r, err)
			if k == tooLarge {
				return ErrTooLarge
			}
			g.note(k)
		}
		if !l.end() {
			return ErrTooLarge
		}
		return io.EOF
	},
}

// fitsHostlife looks for the kind of a record and its first field.
func fitsHostlife(line []byte) bool {
	kind, rest, _ := bytes.Cut(line, []byte(" "))
	return slices.Contains(recordKinds, string(kind)) && bytes.Contains(rest, []byte("="))
}

var recordKinds = []string{"begin", "joined", "late", "left", "evicted", "replaced", "forgotten", "held", "stall", "gap", "lost"}

// Log reads a flight recorder's log, packed by gzip or not.
func Log(file io.Reader) iter.Seq2[flight.Record, error] {
	in := &input{}
	in.open(file, DefaultLimits)
	return flight.Read(in.buf)
}

// rows turns records into rows of a trace.
type rows struct {
	*gatherer
	down      map[string]int64 // those that are evicted, since when
	times     map[string]int   // that a host has left
	gone      map[string]bool  // the nodes that it was
	intervals map[time.Duration]int
	last      int64
}

// Intervals that a registry takes.
const (
	minInterval = 10 * time.Millisecond
	maxInterval = 24 * time.Hour
)

// judge takes a record, or the error in its place.
func (l *rows) judge(r flight.Record, err error) Kind {
	switch {
	case errors.Is(err, flight.ErrTruncated):
		return CutOff
	case err != nil:
		return Malformed
	}
	return l.take(r)
}

func (l *rows) take(r flight.Record) Kind {
	at := r.At.UnixNano()
	if at <= lastMoment {
		l.last = max(l.last, at)
	}
	id := short(r.ID)
	name := l.name(id)
	switch r.Kind {
	case "begin":
		l.policy = cmp.Or(l.policy, r.Policy)
	case "joined":
		if !l.heartbeatsAt(r.History.Interval) {
			return tooLarge
		}
		if since, ok := l.down[name]; ok {
			delete(l.down, name)
			return l.add([]byte(name), true, since, at)
		}
		return l.up(name, at)
	case "late", "replaced":
		if silence := at - r.LastContact.UnixNano(); silence <= int64(r.History.Interval+r.History.Interval/2) {
			return l.up(name, at)
		}
		return l.add([]byte(name), true, fell(r), at)
	case "evicted":
		if _, known := l.down[name]; !known && len(l.down) < l.Nodes {
			if !l.spend(entryCost + nameCost*len(name)) {
				return tooLarge
			}
			l.down[name] = fell(r)
		}
		return l.up(name, fell(r))
	case "left", "forgotten":
		k := l.up(name, at)
		if k == fine && len(l.gone) < l.Nodes {
			if !l.spend(2*entryCost + 2*nameCost*len(name)) {
				return tooLarge
			}
			l.times[id]++
			l.gone[name] = true
		}
		return k
	}
	return fine
}

// heartbeatsAt counts the interval that a host joined with.
func (l *rows) heartbeatsAt(interval time.Duration) bool {
	if interval < minInterval || interval > maxInterval {
		return true
	}
	if l.intervals[interval] == 0 && !l.spend(entryCost) {
		return false
	}
	l.intervals[interval]++
	return true
}

// fell is when a host fell silent, as far as can be known.
func fell(r flight.Record) int64 { return r.LastContact.UnixNano() + int64(r.History.Interval)/2 }

// up has a node be there at a moment.
func (l *rows) up(name string, at int64) Kind {
	if at < 0 || at > lastMoment {
		return AbsurdTime
	}
	i, k := l.node([]byte(name))
	if k == fine {
		l.see(i, at, at)
	}
	return k
}

// name is that of the node that a host is now.
func (l *rows) name(id string) string {
	if times := l.times[id]; times > 0 {
		return fmt.Sprintf("%s#%d", id, times+1)
	}
	return id
}

// short is an id that leaves room in the name of a node.
func short(id string) string {
	const room = maxName - 64
	if len(id) <= room {
		return id
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return fmt.Sprintf("%s…%x", id[:room], h.Sum64())
}

// end extends the last state of each host to the end of the log. It tells whether there is memory for it.
func (l *rows) end() bool {
	for name, since := range l.down {
		k := l.add([]byte(name), true, since, openEnd)
		if k == tooLarge {
			return false
		}
		l.note(k)
	}
	most := 0
	for d, n := range l.intervals {
		if n > most || n == most && d < l.interval {
			most, l.interval = n, d
		}
	}
	for i := range l.nodes {
		if !l.gone[l.nodes[i].name] {
			l.nodes[i].last = max(l.nodes[i].last, l.last)
		}
	}
	l.notes[fine] = 0
	return true
}

package cluster

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// A line is one line of a child's log. Msg determines which fields are set.
type line struct {
	Time         time.Time
	Msg          string // announced, registered (by a peer); joined, suspected, recovered, departed, missed, status
	Host         string
	Kind         string
	Registration string // the scheduler's number of the registration

	// Of a departure.
	LastContact time.Time     `json:"last_contact"`
	Deadline    time.Time     // what the scheduler says it was
	At          time.Time     // when the host was removed
	Cleaned     time.Time     // when its peers were freed
	StallTime   time.Duration `json:"stall_time"` // of a status: of all stalls so far
	Cleanup     time.Duration // how long the cleanup took
	Freed       int

	// Of a status.
	Hosts, Peers                   int
	Joins, Left, Evicted, Replaced int
	Heap                           uint64
	Stalls                         int
}

// A log collects the log lines of the children.
type log struct {
	timeline *timeline

	mu         sync.Mutex // guards all below
	listening  string
	pageURL    string
	announced  map[string]line // each host's latest
	registered map[string]line // each host's latest
	departed   []line
	statuses   []line
}

func newLog(t *timeline) *log {
	return &log{timeline: t, announced: map[string]line{}, registered: map[string]line{}}
}

// read collects one line. It returns false if the line is not a log line.
func (g *log) read(b []byte) bool {
	var l line
	if g.note(b, "listening on ", &g.listening) || g.note(b, "page on ", &g.pageURL) {
		return true
	}
	if json.Unmarshal(b, &l) != nil {
		return false
	}
	g.take(l)
	if !isMass(l.Host) && !inFleet(l.Host) {
		g.show(l)
	}
	return true
}

// note keeps the rest of a line that begins with prefix.
func (g *log) note(b []byte, prefix string, to *string) bool {
	rest, ok := bytes.CutPrefix(b, []byte(prefix))
	if ok {
		g.mu.Lock()
		*to = string(rest)
		g.mu.Unlock()
	}
	return ok
}

func (g *log) take(l line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch l.Msg {
	case "announced":
		g.announced[l.Host] = l
	case "registered":
		g.registered[l.Host] = l
	case "departed":
		g.departed = append(g.departed, l)
	case "status":
		g.statuses = append(g.statuses, l)
	}
}

// show prints a line about a single host on the timeline.
func (g *log) show(l line) {
	switch l.Msg {
	case "joined":
		g.timeline.event("joined", l.Host, "registration %s", l.Registration)
	case "suspected", "recovered":
		g.timeline.event(l.Msg, l.Host, "registration %s", l.Registration)
	case "departed":
		if l.Kind == "evicted" {
			g.timeline.event(l.Kind, l.Host, "%s after its last contact, %s after its deadline; cleaned in %s (%d peers freed)",
				short(l.At.Sub(l.LastContact)), short(l.At.Sub(l.Deadline)), short(l.Cleanup), l.Freed)
		} else {
			g.timeline.event(l.Kind, l.Host, "cleaned in %s (%d peers freed)", short(l.Cleanup), l.Freed)
		}
	}
}

func (g *log) address() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.listening
}

func (g *log) page() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pageURL
}

func (g *log) lastAnnounce(host string) line {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.announced[host]
}

// lastRegistered returns the line about the peers that a host registered last.
func (g *log) lastRegistered(host string) line {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.registered[host]
}

// departures returns all departures so far, in the order of the ends of their cleanups.
func (g *log) departures() []line {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.departed[:len(g.departed):len(g.departed)]
}

func (g *log) of(host string) (ds []line) {
	for _, d := range g.departures() {
		if d.Host == host {
			ds = append(ds, d)
		}
	}
	return ds
}

// statusAfter returns the status that follows the first n, if there is one.
func (g *log) statusAfter(n int) (line, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n >= len(g.statuses) {
		return line{}, false
	}
	return g.statuses[n], true
}

func (g *log) statusCount() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.statuses)
}

const mass = "mass"

func isMass(host string) bool  { return strings.HasPrefix(host, mass) }
func inFleet(host string) bool { return strings.HasPrefix(host, churn) }

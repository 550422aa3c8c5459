package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/bits"
	"strings"
	"sync"
	"time"
)

// A line is one line of a child's log. Msg determines which fields are set.
type line struct {
	Time         time.Time
	Level        string
	Msg          string // announced, registered (by a peer); joined, suspected, recovered, departed, missed, status
	Host         string
	Kind         string
	Registration string // the scheduler's number of the registration
	Scheduler    string // address of the one that has answered an announce

	// Of a departure.
	LastContact time.Time     `json:"last_contact"`
	Deadline    time.Time     // what the scheduler says it was
	At          time.Time     // when the host was removed
	Cleaned     time.Time     // when its peers were freed
	StallTime   time.Duration `json:"stall_time"` // of a status: of all stalls so far
	Cleanup     time.Duration // how long the cleanup took
	Freed       int
	Silence     time.Duration // by the evidence, which all schedulers have
	Timeout     time.Duration // likewise
	seen        uint64        // bit i: by the scheduler with number i

	// Of a status.
	Hosts, Peers                   int
	Joins, Left, Evicted, Replaced int
	Heap                           uint64
	Stalls                         int

	// Of a status of a scheduler that shares its hosts.
	Ready    bool
	Quiet    time.Duration // for which it asks no question
	SinceEnd time.Duration `json:"since_end"` // of another member; 0: none has ended
	Owed     int           `json:"shared_cleanups_owed"`
}

// A log collects the log lines of the children.
type log struct {
	timeline *timeline

	mu         sync.Mutex // guards all below, and the sources
	sources    []*source
	announced  map[string][]line // each host's latest
	registered map[string]line   // each host's latest
	departed   []line            // one for each departure, whichever schedulers have seen it
	index      map[string][]int  // of each host in departed
	shown      map[string]string // each host's latest change on the timeline
}

// A source is what one scheduler has printed.
type source struct {
	name, listening, pageURL string
	number                   int
	statuses                 []line
	departures               int    // lines
	shared                   []line // cleanups
}

const keptAnnounces = 64 // of each host

func newLog(t *timeline) *log {
	return &log{
		timeline: t, announced: map[string][]line{}, registered: map[string]line{},
		index: map[string][]int{}, shown: map[string]string{},
	}
}

// newSource returns the source of another scheduler.
func (g *log) newSource(name string) *source {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &source{name: name, number: len(g.sources)}
	g.sources = append(g.sources, s)
	return s
}

// read collects one line of a peer. It returns false if the line is not a log line.
func (g *log) read(b []byte) bool { return g.readFrom(nil, b) }

// readFrom collects one line of a scheduler, or of a peer if s is nil.
func (g *log) readFrom(s *source, b []byte) bool {
	var l line
	if s != nil && (g.note(b, "listening on ", &s.listening) || g.note(b, "page on ", &s.pageURL)) {
		return true
	}
	var other *json.UnmarshalTypeError
	switch err := json.Unmarshal(b, &l); {
	case errors.As(err, &other):
		return true // a line of a library, whose fields have other types
	case err != nil:
		return false
	}
	if s != nil && l.Level == "WARN" {
		g.timeline.event("warning", s.name, "%s", l.Msg)
	}
	if g.take(s, l) && !isMass(l.Host) && !inFleet(l.Host) {
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

// take collects a line. It reports whether no other scheduler has told the same before.
func (g *log) take(s *source, l line) (fresh bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch l.Msg {
	case "announced":
		all := append(g.announced[l.Host], l)
		g.announced[l.Host] = all[max(0, len(all)-keptAnnounces):]
	case "registered":
		g.registered[l.Host] = l
	case "departed":
		s.departures++
		l.seen = 1 << s.number
		return g.merge(l)
	case "shared cleanup":
		s.shared = append(s.shared, l)
	case "status":
		s.statuses = append(s.statuses, l)
	case "joined", "suspected", "recovered":
		what := l.Msg + l.Registration
		fresh = g.shown[l.Host] != what
		g.shown[l.Host] = what
		return fresh
	}
	return true
}

// merge adds a line about a departure to those of other schedulers about the same one. A second
// line of the same scheduler would be a second cleanup: it stays apart. The caller holds mu.
func (g *log) merge(l line) (fresh bool) {
	for _, i := range g.index[l.Host] {
		if d := &g.departed[i]; d.Registration == l.Registration && d.seen&l.seen == 0 {
			d.add(l)
			return false
		}
	}
	g.index[l.Host] = append(g.index[l.Host], len(g.departed))
	g.departed = append(g.departed, l)
	return true
}

// add adds what another scheduler tells of a departure. The times of an eviction are those of the
// scheduler that has judged the host: to the others the host counted as heard until then. The
// cleanup is over when it is over everywhere.
func (l *line) add(other line) {
	if other.LastContact.Before(l.LastContact) {
		l.LastContact, l.Deadline = other.LastContact, other.Deadline
	}
	if other.Cleaned.After(l.Cleaned) {
		l.Cleaned = other.Cleaned
	}
	if other.Kind != l.Kind {
		l.Kind += " or " + other.Kind
	}
	l.Cleanup, l.Freed, l.seen = max(l.Cleanup, other.Cleanup), max(l.Freed, other.Freed), l.seen|other.seen
}

// schedulers returns how many schedulers have seen a departure.
func (l *line) schedulers() int { return bits.OnesCount64(l.seen) }

// show prints a line about a single host on the timeline.
func (g *log) show(l line) {
	switch l.Msg {
	case "joined":
		g.timeline.event("joined", l.Host, "registration %s", l.Registration)
	case "suspected", "recovered":
		g.timeline.event(l.Msg, l.Host, "registration %s", l.Registration)
	case "departed":
		if l.Kind == "evicted" {
			silence, late := l.At.Sub(l.LastContact), l.At.Sub(l.Deadline)
			if silence < l.Silence { // by the evidence of another scheduler
				silence, late = l.Silence, l.Silence-l.Timeout
			}
			g.timeline.event(l.Kind, l.Host, "%s after its last contact, %s after its deadline; cleaned in %s (%d peers freed)",
				short(silence), short(late), short(l.Cleanup), l.Freed)
		} else {
			g.timeline.event(l.Kind, l.Host, "cleaned in %s (%d peers freed)", short(l.Cleanup), l.Freed)
		}
	}
}

const mass = "mass"

func isMass(host string) bool  { return strings.HasPrefix(host, mass) }
func inFleet(host string) bool { return strings.HasPrefix(host, churn) }

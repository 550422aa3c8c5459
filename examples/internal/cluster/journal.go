package cluster

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// A line is one line of a child's log. Which fields are set depends on Msg.
type line struct {
	Time  time.Time
	Msg   string // announced (by a peer); joined, suspected, recovered, departed, missed, status
	Host  string
	Kind  string
	Life  uint64 `json:",string"`
	Lease string // of an announce: what names the life

	// Of a departure.
	LastSeen time.Time     `json:"last_seen"`
	Deadline time.Time     // what the scheduler says it was
	At       time.Time     // when the host was removed
	Cleaned  time.Time     // when its peers were freed
	Excused  time.Duration // of a status: all stalls so far
	Cleanup  time.Duration // how long the cleanup took
	Freed    int

	// Of a status.
	Hosts, Peers                   int
	Joins, Left, Evicted, Replaced int
	Heap                           uint64
	Stalls                         int
}

// A journal takes down what the children log.
type journal struct {
	timeline *timeline

	mu        sync.Mutex // guards all below
	listening string
	pageURL   string
	announced map[string]line // each host's latest
	departed  []line
	statuses  []line
}

func newJournal(t *timeline) *journal {
	return &journal{timeline: t, announced: map[string]line{}}
}

// read takes down one line, and returns false if it is none of ours.
func (j *journal) read(b []byte) bool {
	var l line
	if j.note(b, "listening on ", &j.listening) || j.note(b, "page on ", &j.pageURL) {
		return true
	}
	if json.Unmarshal(b, &l) != nil {
		return false
	}
	j.take(l)
	if !isMass(l.Host) && !isCrowd(l.Host) {
		j.show(l)
	}
	return true
}

// note keeps what follows a prefix, if that is what a line begins with.
func (j *journal) note(b []byte, prefix string, to *string) bool {
	rest, ok := bytes.CutPrefix(b, []byte(prefix))
	if ok {
		j.mu.Lock()
		*to = string(rest)
		j.mu.Unlock()
	}
	return ok
}

func (j *journal) take(l line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch l.Msg {
	case "announced":
		j.announced[l.Host] = l
	case "departed":
		j.departed = append(j.departed, l)
	case "status":
		j.statuses = append(j.statuses, l)
	}
}

// show puts what concerns a single host on the timeline.
func (j *journal) show(l line) {
	switch l.Msg {
	case "joined":
		j.timeline.event("joined", l.Host, "life %d", l.Life)
	case "suspected", "recovered":
		j.timeline.event(l.Msg, l.Host, "life %d", l.Life)
	case "departed":
		if l.Kind == "evicted" {
			j.timeline.event(l.Kind, l.Host, "%s after its last sign of life, %s after the deadline, cleaned in %s (%d peers freed)",
				short(l.At.Sub(l.LastSeen)), short(l.At.Sub(l.Deadline)), short(l.Cleanup), l.Freed)
		} else {
			j.timeline.event(l.Kind, l.Host, "cleaned in %s (%d peers freed)", short(l.Cleanup), l.Freed)
		}
	}
}

func (j *journal) address() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.listening
}

func (j *journal) page() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.pageURL
}

func (j *journal) lastAnnounce(host string) line {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.announced[host]
}

// departures is every departure so far, in the order in which the cleanups
// finished.
func (j *journal) departures() []line {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.departed[:len(j.departed):len(j.departed)]
}

func (j *journal) of(host string) (ds []line) {
	for _, d := range j.departures() {
		if d.Host == host {
			ds = append(ds, d)
		}
	}
	return ds
}

// statusAfter is the first status beyond the first n, if it is there.
func (j *journal) statusAfter(n int) (line, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n >= len(j.statuses) {
		return line{}, false
	}
	return j.statuses[n], true
}

func (j *journal) statusCount() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.statuses)
}

const mass = "mass"

func isMass(host string) bool  { return strings.HasPrefix(host, mass) }
func isCrowd(host string) bool { return strings.HasPrefix(host, churn) }

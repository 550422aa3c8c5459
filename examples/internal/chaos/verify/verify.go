// Package verify reads the histories of schedulers, hosts and faults, and says which promises were
// broken. It runs nothing, and asks for no time.
package verify

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/examples/internal/history"
)

// never is later than any time of a history.
const never = int64(math.MaxInt64)

// Limits are what the cluster was told.
type Limits struct {
	Timeout time.Duration // of each host
	Lapse   time.Duration
	// Slack is how much later than timeout + Lapse each scheduler may show a departure.
	Slack time.Duration
}

func (l Limits) bound() int64 { return int64(l.Timeout + l.Lapse + l.Slack) }

// A Report is the verdict. The lists describe breaches, one in each string.
type Report struct {
	Contacts     int           // that schedulers have acknowledged
	Told         int           // of these, those whose answer has reached the host
	Joins        int           // registrations
	Evictions    int           // registrations that silence has ended
	Alive        int           // of these, those of hosts that were alive: they were late, or heard too late
	InWindow     int           // of these, those that were heard between the question and the eviction
	Left         int           // registrations that hosts have ended
	Replaced     int           // registrations that newer processes have ended
	Stalls       int           // gaps in which a scheduler that was not frozen, or the program that attacks, did not run
	HandedOver   int           // host records that another scheduler has written than before
	Buried       int           // member records that another member has deleted
	WritesLost   int           // acknowledged writes that the engine has lost
	Longest      time.Duration // from the end of a host until the last scheduler showed that
	Latest       time.Duration // the same, from the end of the last fault that came in between
	Excused      int           // doubles that the engine or an interruption explains
	Unrecognized int           // departures that a member found only because a snapshot lacked the host

	Wrong   []string // evictions of hosts that a live member had heard
	Away    []string // the same, but that member had been buried, or its record was lost
	Lost    []string // departures that a scheduler has never shown, and cleanups that never ran
	Late    []string // departures that a scheduler has shown late
	Doubles []string // departures shown twice, cleanups done twice
	Views   []string // differences at the end
	Gaps    []string // of the histories themselves
}

// Breaches returns all breaches.
func (r *Report) Breaches() []string {
	return slices.Concat(r.Gaps, r.Wrong, r.Away, r.Lost, r.Late, r.Doubles, r.Views)
}

// A File is the history of one process.
type File struct {
	Name    string
	Entries []history.Entry
}

// Check checks the histories of one cluster: those of its schedulers, of its hosts, and the one of
// the program that attacked it.
func Check(files []File, l Limits) *Report {
	c := &checker{limits: l, report: &Report{}, world: read(files)}
	c.recorded()
	c.evictions()
	c.departures()
	c.doubles()
	c.views()
	c.count()
	return c.report
}

type checker struct {
	limits Limits
	report *Report
	*world
}

// recorded checks that no history has a gap.
func (c *checker) recorded() {
	for _, s := range c.schedulers {
		if s.missed {
			c.breach(&c.report.Gaps, "%s could not follow its registry", s.name)
		}
		for _, contacts := range s.contacts {
			c.report.Contacts += len(contacts)
		}
	}
	for _, t := range c.told {
		c.report.Told++
		if !c.hasAcknowledged(&t) {
			c.breach(&c.report.Gaps, "%s was told by %s at %s, which has not written that down", t.Host, t.Peer, at(t.At))
		}
	}
	for _, name := range c.nameless {
		c.breach(&c.report.Gaps, "the history %s has no start", name)
	}
	for _, name := range c.empty {
		if host, _, _ := strings.Cut(name, "-life-"); len(c.ends[host]) == 0 { // killed before it did anything
			c.breach(&c.report.Gaps, "the history %s is empty", name)
		}
	}
	if !c.rested {
		c.breach(&c.report.Gaps, "the histories have no end")
	}
}

// hasAcknowledged reports whether a scheduler has written down a contact whose answer has reached
// the host.
func (c *checker) hasAcknowledged(t *history.Entry) bool {
	return slices.ContainsFunc(c.schedulers, func(s *scheduler) bool {
		return s.address == t.Peer && slices.ContainsFunc(s.contacts[t.Host], func(x span) bool {
			return x.began >= t.Began && x.ended <= t.At
		})
	})
}

func (c *checker) breach(list *[]string, format string, args ...any) {
	*list = append(*list, fmt.Sprintf(format, args...))
}

// at formats a time of a history.
func at(ns int64) string { return fmt.Sprintf("%.3f s", float64(ns)/1e9) }

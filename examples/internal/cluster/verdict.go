package cluster

import (
	"fmt"
	"strings"
	"time"
)

// slop is how far the clock readings of two processes may disagree.
const slop = 5 * time.Millisecond

// An end is what was seen of a host that was made to exit.
type end struct {
	host       string
	at         time.Time // when it was signalled
	gone       time.Time // when ListHosts first lacked it; zero: never
	freed      bool      // StatPeer finds none of its peers
	departures []line    // what the scheduler logged; there must be one
}

// terms are what a host that falls silent is held against.
type terms struct {
	interval, patience, lag time.Duration
	stalled                 bool // the scheduler says that it was: see grace
}

// grace is by how much a deadline may be later than patience says: after a
// stall, by what was excused, and by the interval and a gap of 500 ms in which the
// host may be heard again, counted from a stall that ended just before the deadline.
func (t terms) grace(excused time.Duration) time.Duration {
	if !t.stalled && excused == 0 {
		return slop
	}
	return excused + t.interval + time.Second/2 + slop
}

// findings are what is wrong, if anything is.
type findings struct{ problems []string }

func (f *findings) check(ok bool, format string, args ...any) {
	if !ok {
		f.problems = append(f.problems, fmt.Sprintf(format, args...))
	}
}

func (f *findings) ok() bool { return len(f.problems) == 0 }

// detail is what is wrong, or else what was found.
func (f *findings) detail(format string, args ...any) string {
	if f.ok() {
		return fmt.Sprintf(format, args...)
	}
	return strings.Join(f.problems, "; ")
}

// departedOnce judges what all ends have in common, and returns the departure.
func (f *findings) departedOnce(e end, kind string, replicas int) (line, bool) {
	f.check(!e.gone.IsZero(), "%s is still listed", e.host)
	f.check(e.freed, "peers of %s are still there", e.host)
	f.check(len(e.departures) == 1, "%s departed %d times", e.host, len(e.departures))
	if len(e.departures) == 0 {
		return line{}, false
	}
	d := e.departures[0]
	f.check(d.Kind == kind, "%s %s", e.host, d.Kind)
	f.check(d.Freed == replicas, "%d of %d peers of %s freed", d.Freed, replicas, e.host)
	return d, true
}

// left judges a normal exit: at once, not by silence.
func (f *findings) left(e end, lag time.Duration, replicas int) line {
	d, ok := f.departedOnce(e, "left", replicas)
	if ok && !e.gone.IsZero() {
		f.check(e.gone.Sub(e.at) <= lag, "%s was gone only %s after the signal", e.host, short(e.gone.Sub(e.at)))
		f.check(d.Cleaned.Sub(d.At) <= lag, "%s was clean only %s after it left", e.host, short(d.Cleaned.Sub(d.At)))
	}
	return d
}

// evicted judges an abnormal exit: not before the host's patience was used up,
// by our own reckoning, and not long after.
func (f *findings) evicted(e end, t terms, replicas int) line {
	d, ok := f.departedOnce(e, "evicted", replicas)
	if !ok {
		return d
	}
	f.check(d.LastSeen.Before(e.at.Add(slop)), "%s was heard after it was killed", e.host)
	f.check(e.at.Sub(d.LastSeen) <= t.interval+t.lag, "%s was last heard %s before it was killed", e.host, short(e.at.Sub(d.LastSeen)))
	due := f.onTime(d, t)
	if !e.gone.IsZero() {
		f.check(!e.gone.Before(due.Add(-slop)), "%s was not listed %s before its deadline", e.host, short(due.Sub(e.gone)))
		f.check(e.gone.Sub(d.Deadline) <= t.lag, "%s was listed until %s after its deadline", e.host, short(e.gone.Sub(d.Deadline)))
	}
	return d
}

// onTime judges when a host was evicted: neither before its deadline, by our own
// reckoning, nor long after. It returns the deadline.
func (f *findings) onTime(d line, t terms) (due time.Time) {
	due = d.LastSeen.Add(t.patience)
	f.check(!d.At.Before(due.Add(-slop)), "%s was evicted %s before its deadline", d.Host, short(due.Sub(d.At)))
	f.check(d.Cleaned.Sub(d.Deadline) <= t.lag, "%s was clean only %s after its deadline", d.Host, short(d.Cleaned.Sub(d.Deadline)))
	f.check(d.Deadline.Sub(due) <= t.grace(d.Excused), "%s was given a deadline %s too late", d.Host, short(d.Deadline.Sub(due)))
	return due
}

// bystanders judges those who have nothing to do with it: none departed, each
// is still listed, in the life that it was in.
func (f *findings) bystanders(departed []line, victim func(host string) bool, before, after map[string]string, listed map[string]bool) {
	var strangers []string
	for _, d := range departed {
		if !victim(d.Host) {
			strangers = append(strangers, d.Host+" "+d.Kind)
		}
	}
	f.check(len(strangers) == 0, "%d departures of bystanders, %s", len(strangers), strings.Join(strangers[:min(3, len(strangers))], ", "))
	for host, life := range before {
		f.check(after[host] == life, "%s is in life %s, was in %s", host, after[host], life)
		f.check(listed[host], "%s is not listed", host)
	}
}

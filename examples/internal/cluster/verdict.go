package cluster

import (
	"fmt"
	"strings"
	"time"
)

// slop is the tolerance between the clock readings of two processes.
const slop = 5 * time.Millisecond

// An end is what was observed of a host that was made to exit.
type end struct {
	host       string
	at         time.Time // when it was signalled
	gone       time.Time // when ListHosts first lacked it; zero: never
	freed      bool      // StatPeer finds none of its peers
	departures []line    // from the scheduler's log; there must be one
}

// terms are the limits that apply to a silent host.
type terms struct {
	interval, timeout, lag time.Duration
	stalled                bool // the scheduler stalled: see grace
}

// grace returns how much later than the timeout a deadline may be: after a stall, by the stall time, and
// by the interval and a gap of 500 ms in which the host may be heard again, counted from a stall that ended
// just before the deadline.
func (t terms) grace(stallTime time.Duration) time.Duration {
	if !t.stalled && stallTime == 0 {
		return slop
	}
	return stallTime + t.interval + time.Second/2 + slop
}

// findings are the problems of a scenario, if any.
type findings struct{ problems []string }

func (f *findings) check(ok bool, format string, args ...any) {
	if !ok {
		f.problems = append(f.problems, fmt.Sprintf(format, args...))
	}
}

func (f *findings) ok() bool { return len(f.problems) == 0 }

// detail returns the problems, or else the given text.
func (f *findings) detail(format string, args ...any) string {
	if f.ok() {
		return fmt.Sprintf(format, args...)
	}
	return strings.Join(f.problems, "; ")
}

// departedOnce checks what all ends have in common, and returns the departure.
func (f *findings) departedOnce(e end, kind string, replicas int) (line, bool) {
	f.check(!e.gone.IsZero(), "%s is still listed", e.host)
	f.check(e.freed, "peers of %s are not freed", e.host)
	f.check(len(e.departures) == 1, "%s departed %d times", e.host, len(e.departures))
	if len(e.departures) == 0 {
		return line{}, false
	}
	d := e.departures[0]
	f.check(d.Kind == kind, "%s %s", e.host, d.Kind)
	f.check(d.Freed == replicas, "%d of %d peers of %s freed", d.Freed, replicas, e.host)
	return d, true
}

// left checks a normal exit: at once, not after a silence.
func (f *findings) left(e end, lag time.Duration, replicas int) line {
	d, ok := f.departedOnce(e, "left", replicas)
	if ok && !e.gone.IsZero() {
		f.check(e.gone.Sub(e.at) <= lag, "%s was gone only %s after the signal", e.host, short(e.gone.Sub(e.at)))
		f.check(d.Cleaned.Sub(d.At) <= lag, "%s was clean only %s after it left", e.host, short(d.Cleaned.Sub(d.At)))
	}
	return d
}

// evicted checks an abnormal exit: not before the timeout has passed, as computed here,
// and not long after.
func (f *findings) evicted(e end, t terms, replicas int) line {
	d, ok := f.departedOnce(e, "evicted", replicas)
	if !ok {
		return d
	}
	f.check(d.LastContact.Before(e.at.Add(slop)), "%s was heard after it was killed", e.host)
	f.check(e.at.Sub(d.LastContact) <= t.interval+t.lag, "%s was last heard %s before it was killed", e.host, short(e.at.Sub(d.LastContact)))
	due := f.onTime(d, t)
	if !e.gone.IsZero() {
		f.check(!e.gone.Before(due.Add(-slop)), "%s was not listed %s before its deadline", e.host, short(due.Sub(e.gone)))
		f.check(e.gone.Sub(d.Deadline) <= t.lag, "%s was listed until %s after its deadline", e.host, short(e.gone.Sub(d.Deadline)))
	}
	return d
}

// onTime checks when a host was evicted: neither before its deadline, as computed here, nor long after. It
// returns the deadline.
func (f *findings) onTime(d line, t terms) (due time.Time) {
	due = d.LastContact.Add(t.timeout)
	f.check(!d.At.Before(due.Add(-slop)), "%s was evicted %s before its deadline", d.Host, short(due.Sub(d.At)))
	f.check(d.Cleaned.Sub(d.Deadline) <= t.lag, "%s was clean only %s after its deadline", d.Host, short(d.Cleaned.Sub(d.Deadline)))
	f.check(d.Deadline.Sub(due) <= t.grace(d.StallTime), "%s was given a deadline %s too late", d.Host, short(d.Deadline.Sub(due)))
	return due
}

// bystanders checks the other hosts: none departed, and each is still listed in the same registration.
func (f *findings) bystanders(departed []line, victim func(host string) bool, before, after map[string]string, listed map[string]bool) {
	var strangers []string
	for _, d := range departed {
		if !victim(d.Host) {
			strangers = append(strangers, d.Host+" "+d.Kind)
		}
	}
	f.check(len(strangers) == 0, "%d departures of bystanders, %s", len(strangers), strings.Join(strangers[:min(3, len(strangers))], ", "))
	for host, registration := range before {
		f.check(after[host] == registration, "%s is in registration %s, was in %s", host, after[host], registration)
		f.check(listed[host], "%s is not listed", host)
	}
}

package verify

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/examples/internal/history"
)

// findGone finds the batches that have created the record of a departure.
func (w *world) findGone() {
	for _, s := range w.schedulers {
		for _, p := range s.puts {
			for i := range p.writes {
				x := &p.writes[i]
				if k, ok := parseGone(x.Key); ok && x.Expect == 0 && w.took(p, x) {
					w.gone[k] = append(w.gone[k], p)
				}
			}
		}
	}
}

// departures checks that each scheduler has shown the departure of each host that has ended, and in
// time.
func (c *checker) departures() {
	for _, host := range slices.Sorted(maps.Keys(c.ends)) {
		end := slices.Max(c.ends[host])
		if _, back := c.alive[host]; back {
			continue
		}
		for _, s := range c.schedulers {
			c.departure(s, host, end)
		}
	}
	for _, s := range c.schedulers {
		c.order(s)
	}
	for k := range c.departed() {
		c.cleanup(k)
	}
}

// departure checks one host that has ended, in the registry of one scheduler.
func (c *checker) departure(s *scheduler, host string, end int64) {
	last, from := lastOf(s.shown, host), c.from(s, end)
	switch deadline := from + c.limits.bound(); {
	case last == nil || s.killed < deadline:
	case last.Kind == history.Joined:
		c.breach(&c.report.Lost, "%s has never shown that %s departed, which ended at %s", s.name, host, at(end))
	case last.At > deadline:
		c.breach(&c.report.Late, "%s has shown %s after %s that %s departed", s.name, at(last.At-deadline), at(deadline-end), host)
	}
	if last != nil && last.Kind == history.Departed && last.How == "evicted" && last.At > end {
		c.report.Longest = max(c.report.Longest, time.Duration(last.At-end))
		c.report.Latest = max(c.report.Latest, time.Duration(last.At-from))
	}
}

// order checks that no registration of a scheduler vanished when the next one of its host joined.
func (c *checker) order(s *scheduler) {
	there := map[string]uint64{}
	for i := range s.shown {
		e := &s.shown[i]
		if was := there[e.Host]; was != 0 && e.Kind == history.Joined {
			c.breach(&c.report.Lost, "%s has never shown that registration %d of %s departed, and has shown %d then", s.name, was, e.Host, e.Registration)
		}
		if there[e.Host] = 0; e.Kind == history.Joined {
			there[e.Host] = e.Registration
		}
	}
}

// lastOf returns the last join or departure of a host that a registry has shown.
func lastOf(shown []history.Entry, host string) (last *history.Entry) {
	for i := range shown {
		if shown[i].Host == host {
			last = &shown[i]
		}
	}
	return last
}

// from returns when the time began in which a scheduler must show the departure of a host that
// ended: then, or at the end of the last fault that came in between.
func (c *checker) from(s *scheduler, end int64) (from int64) {
	from = end
	for _, f := range slices.Concat(c.faults, s.disturbed) {
		if f.began < from+c.limits.bound() && f.ended != never {
			from = max(from, f.ended)
		}
	}
	return from
}

// cleanup checks that the shared cleanup of a registration has run.
func (c *checker) cleanup(k key) {
	if !c.shares() || len(c.gone[k]) == 0 {
		return // no scheduler could write the departure: the registration went on for the others
	}
	done := slices.ContainsFunc(c.schedulers, func(s *scheduler) bool {
		return slices.ContainsFunc(s.cleanings[k], func(x span) bool { return x.ended != never })
	})
	forgotten := len(c.lost) > 0 && slices.ContainsFunc(c.schedulers, func(s *scheduler) bool { return s.killed != never })
	if !done && !forgotten {
		c.breach(&c.report.Lost, "registration %d of %s departed, and no scheduler has cleaned up after it", k.registration, k.host)
	}
}

// shares reports whether the schedulers share their hosts.
func (w *world) shares() bool { return len(w.members) > 0 }

// views checks that all schedulers had the same registrations at the end, and those of all hosts
// that were alive.
func (c *checker) views() {
	var first *scheduler
	for _, s := range c.schedulers {
		switch {
		case s.killed != never:
		case s.view == nil:
			c.breach(&c.report.Gaps, "%s has not written down its hosts", s.name)
		case first == nil:
			first = s
			c.viewed(s)
		case !maps.Equal(first.view.Hosts, s.view.Hosts):
			c.breach(&c.report.Views, "%s and %s differ at the end: %s", first.name, s.name, difference(first.view.Hosts, s.view.Hosts))
		}
	}
}

// viewed checks the hosts of one scheduler.
func (c *checker) viewed(s *scheduler) {
	var wrong []string
	for host := range c.alive {
		if _, ok := s.view.Hosts[host]; !ok {
			wrong = append(wrong, "it lacks "+host)
		}
	}
	for host := range s.view.Hosts {
		if _, ok := c.alive[host]; !ok {
			wrong = append(wrong, "it still has "+host)
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		c.breach(&c.report.Views, "%s at the end: %s", s.name, few(wrong))
	}
}

func difference(a, b map[string]uint64) string {
	var hosts []string
	for host := range a {
		if a[host] != b[host] {
			hosts = append(hosts, host)
		}
	}
	for host := range b {
		if _, ok := a[host]; !ok {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return few(hosts)
}

// few joins the first of some texts.
func few(all []string) string {
	const most = 5
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return strings.Join(all[:most], ", ") + ", ..."
}

package verify

import (
	"cmp"
	"slices"

	"github.com/hostlife/hostlife/examples/internal/history"
)

// An eviction is the end of a registration by silence, as the member knows it that decided it.
type eviction struct {
	key
	by          *scheduler
	incarnation uint64
	timeout     int64
	asked       int64 // at the earliest
	at          int64
}

// evictions checks the promise: a contact that a live member acknowledged before the question was
// asked protects its host.
func (c *checker) evictions() {
	for k, shown := range c.departed() {
		c.foundMissing(k, shown)
		if e, ok := c.evictionOf(k, shown); ok {
			c.report.Evictions++
			c.evicted(&e)
		}
	}
}

// foundMissing checks a departure that a member has not read, but found: its snapshot lacked the
// host. Another member must have ended the registration.
func (c *checker) foundMissing(k key, shown []showing) {
	missing := func(s showing) bool { return s.Judged != "" }
	if !slices.ContainsFunc(shown, missing) {
		return
	}
	c.report.Unrecognized++
	if len(c.gone[k]) == 0 {
		s := shown[slices.IndexFunc(shown, missing)]
		c.breach(&c.report.Wrong, "%s has shown at %s that registration %d of %s departed, which no scheduler has ended", s.by.name, at(s.At), k.registration, k.host)
	}
}

// A showing is a departure that a registry has shown.
type showing struct {
	by *scheduler
	*history.Entry
}

// departed returns all departures by registration.
func (w *world) departed() map[key][]showing {
	all := map[key][]showing{}
	for _, s := range w.schedulers {
		for i := range s.shown {
			if e := &s.shown[i]; e.Kind == history.Departed {
				k := key{e.Host, e.Registration}
				all[k] = append(all[k], showing{s, e})
			}
		}
	}
	return all
}

// evictionOf returns the eviction that registries have shown, if it is one. The one that wrote it
// first has decided it. If none wrote it, the one that showed it first.
func (c *checker) evictionOf(k key, shown []showing) (e eviction, ok bool) {
	shown = slices.DeleteFunc(slices.Clone(shown), func(s showing) bool { return s.How != "evicted" || s.Judged != "" })
	if len(shown) == 0 {
		return e, false
	}
	first := slices.MinFunc(shown, func(a, b showing) int { return cmp.Compare(a.Decided, b.Decided) })
	e = eviction{key: k, by: first.by, incarnation: first.Incarnation, timeout: int64(c.limits.Timeout), at: first.Decided}
	if p := c.writerOf(k); p != nil {
		e.by = p.by
	}
	due := int64(0)
	for _, s := range shown {
		if s.by == e.by { // its own times are exact
			e.at, due = s.Decided, s.Due
		}
	}
	e.asked = c.askedAt(&e, due)
	return e, true
}

// writerOf returns the earliest batch that has written the departure of a registration, or nil.
func (w *world) writerOf(k key) *put {
	if all := w.gone[k]; len(all) > 0 {
		return slices.MinFunc(all, func(a, b *put) int { return cmp.Compare(a.began, b.began) })
	}
	return nil
}

// askedAt returns when the question was asked, at the earliest: the last write of the host's record
// before the eviction is the claim, and the one before it is the question. A scheduler that shares
// nothing asks nothing. Then the deadline takes the place of the question.
func (c *checker) askedAt(e *eviction, due int64) int64 {
	var writes []int64
	for _, p := range e.by.puts {
		for i := range p.writes {
			if x := &p.writes[i]; x.Key == "h/"+e.host && !x.Deleted && p.began < e.at && c.took(p, x) {
				writes = append(writes, p.began)
			}
		}
	}
	if n := len(writes); n >= 2 {
		return max(due, writes[n-2])
	}
	return due
}

// evicted compares an eviction with the contacts of its host that were younger than its timeout.
func (c *checker) evicted(e *eviction) {
	window, left := false, latest(c.leaving[e.host], e.at)
	var wrong, away hearing
	for _, s := range c.schedulers {
		for _, x := range s.contacts[e.host] {
			if x.began <= left || e.at-x.began >= e.timeout || x.ended >= e.at || x.incarnation > e.incarnation {
				continue
			}
			switch h := (hearing{s, x}); {
			case s != e.by && x.ended >= e.asked:
				window = true
			case s == e.by || c.isMember(s, x.ended, e.at):
				wrong = wrong.later(h)
			default:
				away = away.later(h)
			}
		}
	}
	c.judged(&c.report.Wrong, e, wrong, "")
	if wrong.by == nil {
		c.judged(&c.report.Away, e, away, ", which was no member any more,")
	}
	c.report.InWindow += count(window)
	c.report.Alive += count(c.isAlive(e.host, e.incarnation, e.at))
}

// A hearing is a contact that a scheduler has acknowledged.
type hearing struct {
	by *scheduler
	span
}

func (h hearing) later(x hearing) hearing {
	if h.by == nil || x.ended > h.ended {
		return x
	}
	return h
}

// judged notes an eviction in spite of a contact, if there was one.
func (c *checker) judged(list *[]string, e *eviction, h hearing, and string) {
	if h.by != nil {
		c.breach(list, "%s, registration %d, was evicted by %s at %s, asked at %s; but %s%s had acknowledged it at %s",
			e.host, e.registration, e.by.name, at(e.at), at(e.asked), h.by.name, and, at(h.ended))
	}
}

// isAlive reports whether a process sent a contact after a time.
func (w *world) isAlive(host string, incarnation uint64, t int64) bool {
	return slices.ContainsFunc(w.schedulers, func(s *scheduler) bool {
		return slices.ContainsFunc(s.contacts[host], func(x span) bool {
			return x.began > t && x.incarnation == incarnation
		})
	})
}

// latest returns the last of some times before t, or 0.
func latest(times []int64, t int64) (last int64) {
	for _, x := range times {
		if x < t {
			last = max(last, x)
		}
	}
	return last
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

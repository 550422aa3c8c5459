package verify

import (
	"slices"
	"strings"

	"github.com/hostlife/hostlife/examples/internal/history"
)

// doubles checks that each registration departs once.
func (c *checker) doubles() {
	for k, shown := range c.departed() {
		for _, s := range c.schedulers {
			n := 0
			for i := range shown {
				n += count(shown[i].by == s)
			}
			if n > 1 {
				c.breach(&c.report.Doubles, "%s has shown %d times that registration %d of %s departed", s.name, n, k.registration, k.host)
			}
		}
	}
	c.written()
	c.cleaned()
}

// written checks that the table got each departure once, unless the engine has lost it, or its
// scheduler could not know whether the table ever had the registration.
func (c *checker) written() {
	for k, puts := range c.gone {
		for _, again := range puts[1:] {
			if len(c.lost) > 0 || c.mayRepeat(k, again) {
				c.report.Excused++
			} else {
				c.breach(&c.report.Doubles, "the departure of registration %d of %s was written %d times", k.registration, k.host, len(puts))
			}
		}
	}
}

// mayRepeat reports whether a departure may be written again although the engine has lost nothing:
// a scheduler wrote the registration of the host, or the departure, and got no answer, or was cut
// off soon after. When it comes back, the table may have no trace of it. The cleanup waits until the
// other schedulers have said whether it is done. So a second cleanup is a breach all the same.
func (c *checker) mayRepeat(k key, again *put) bool {
	for _, s := range c.schedulers {
		for _, p := range s.puts {
			if p.began < again.began && p.registers(k) && c.untold(p) {
				return true
			}
		}
	}
	return false
}

// registers reports whether a batch may put a registration, or its departure, into the table.
func (p *put) registers(k key) bool {
	return slices.ContainsFunc(p.writes, func(x history.Write) bool {
		gone, ok := parseGone(x.Key)
		return !x.Deleted && (x.Key == "h/"+k.host || ok && gone == k)
	})
}

// untold reports whether a scheduler may not know what became of a batch.
func (c *checker) untold(p *put) bool {
	switch {
	case p.refused():
		return false
	case !p.acked():
		return true
	}
	return slices.ContainsFunc(p.by.disturbed, func(d span) bool {
		return d.began <= p.ended+int64(c.limits.Lapse) && d.ended >= p.began
	})
}

// A cleaning is a call of the shared cleanup that has succeeded.
type cleaning struct {
	by *scheduler
	span
}

// cleaned checks that each shared cleanup has succeeded once, unless something explains another
// one.
func (c *checker) cleaned() {
	all := map[key][]cleaning{}
	for _, s := range c.schedulers {
		for k, calls := range s.cleanings {
			for _, x := range calls {
				if x.ended != never {
					all[k] = append(all[k], cleaning{s, x})
				}
			}
		}
	}
	for k, calls := range all {
		slices.SortFunc(calls, func(a, b cleaning) int { return int(a.began - b.began) })
		for i := 1; i < len(calls); i++ {
			if c.explained(k, calls[:i]) {
				c.report.Excused++
			} else {
				c.breach(&c.report.Doubles, "registration %d of %s was cleaned up by %s at %s, and again by %s at %s",
					k.registration, k.host, calls[i-1].by.name, at(calls[i-1].ended), calls[i].by.name, at(calls[i].began))
			}
		}
	}
}

// explained reports whether a cleanup that has succeeded may run again: because its scheduler or
// the engine was disturbed before the table said that it was done, or because the engine has lost
// that.
func (c *checker) explained(k key, before []cleaning) bool {
	return len(c.lost) > 0 || slices.ContainsFunc(before, func(x cleaning) bool {
		done := c.markedAt(x.by, k)
		overlaps := func(d span) bool { return d.began < done && d.ended > x.began }
		return x.by.killed != never && x.by.killed < done ||
			slices.ContainsFunc(x.by.disturbed, overlaps) || slices.ContainsFunc(c.engine, overlaps)
	})
}

// markedAt returns when a scheduler knew that the table says that a cleanup is done.
func (w *world) markedAt(s *scheduler, k key) int64 {
	for _, p := range s.puts {
		for i := range p.writes {
			if x := &p.writes[i]; x.Expect != 0 && p.acked() {
				if marked, ok := parseGone(x.Key); ok && marked == k {
					return p.ended
				}
			}
		}
	}
	return never
}

// count fills in the figures that are no verdict.
func (c *checker) count() {
	c.report.Stalls = len(c.stalls)
	writers := map[string]*scheduler{}
	var puts []*put
	for _, s := range c.schedulers {
		puts = append(puts, s.puts...)
		for _, x := range s.stalls {
			frozen := slices.ContainsFunc(s.disturbed, func(d span) bool { return d.began < x.ended && d.ended > x.began })
			c.report.Stalls += count(!frozen)
		}
		for i := range s.shown {
			c.report.Joins += count(s.shown[i].Kind == history.Joined)
		}
	}
	slices.SortFunc(puts, func(a, b *put) int { return int(a.began - b.began) })
	for _, p := range puts {
		for i := range p.writes {
			c.counted(p, &p.writes[i], writers)
		}
	}
	for _, m := range c.members {
		c.report.Buried += count(m.buried)
	}
	for _, shown := range c.departed() {
		c.report.Left += count(shown[0].How == "left")
		c.report.Replaced += count(shown[0].How == "replaced")
	}
}

func (c *checker) counted(p *put, x *history.Write, writers map[string]*scheduler) {
	if !c.took(p, x) {
		return
	}
	c.report.WritesLost += count(slices.ContainsFunc(c.lostAll, func(l span) bool { return p.ended >= l.began && p.ended <= l.ended }))
	if !strings.HasPrefix(x.Key, "h/") {
		return
	}
	if was := writers[x.Key]; was != nil && was != p.by && !x.Deleted && x.Expect != 0 {
		c.report.HandedOver++
	}
	if writers[x.Key] = p.by; x.Deleted {
		delete(writers, x.Key)
	}
}

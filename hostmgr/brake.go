package hostmgr

import (
	"context"
	"fmt"
)

// A brake is what the guard knows of a zone, or of all hosts. Guarded by Registry.mu.
type brake struct {
	waiting int    // hosts that it holds
	credit  int64  // listening time that is saved up for evictions
	at      int64  // when that was reckoned
	gone    window // evicted, save those whose Hold was over

	missing, total int    // when it was asked last if too many are
	grips          bool   // they were
	gripped        int64  // when they were last
	why            string // it holds hosts, if anybody asked
}

// save reckons the credit. Of what the last sweep left no more is kept than what is saved up
// while nobody waits: the hosts here may have waited for the other scope.
func (b *brake) save(g Guard, l *ledger, now int64) {
	b.credit = min(b.credit, g.most()) + l.listened(b.at, now)
	b.at = now
	if b.waiting == 0 {
		b.credit = min(b.credit, g.most())
	}
}

// scopes are where the guard counts a host: in its zone, and among all.
func (r *Registry[M]) scopes(l life[M]) [2]*zone {
	return [2]*zone{&r.zones.list[l.mark().zone], &r.zones.all}
}

// muster counts who is missing before anybody goes: the first is judged by what became of
// the last. Whoever is due only after it, or has moved to another page meanwhile, waits for
// the next sweep, which follows at once.
func (r *Registry[M]) muster(ctx context.Context, rep *SweepReport) {
	now := r.listen(rep)
	due := r.table.schedule.dueBy(now)
	r.unlock()
	for _, h := range due {
		if ctx.Err() != nil {
			return
		}
		r.musterPage(h, rep)
	}
	now = r.listen(rep)
	defer r.unlock()
	r.regrip(now)
}

func (r *Registry[M]) musterPage(h hash, rep *SweepReport) {
	now := r.listen(rep)
	defer r.unlock()
	p := r.table.page(h)
	if p.earliest() >= now {
		return
	}
	for l := range p.lives() {
		r.count(l, now, rep)
	}
}

// count calls a host suspect, if it is, or due.
func (r *Registry[M]) count(l life[M], now int64, rep *SweepReport) {
	if l.mark().suspect {
		return
	}
	for v := r.verdict(l, now); v.state >= Suspect && !r.note(l, &v, now, rep); {
		v = r.verdict(l, now)
	}
}

// review decides on a host that the guard has counted.
func (r *Registry[M]) review(l life[M], h hold, now int64) hold {
	h.expired = r.ledger.listened(h.since, now) >= int64(r.cfg.Guard.Hold)
	if h.waits = !h.expired; !h.waits {
		return h
	}
	if why, short := r.pay(l, now); short {
		h.guard = why
	} else {
		h.waits = false
	}
	return h
}

// pay takes what an eviction costs from wherever the guard grips; or tells where there is
// too little.
func (r *Registry[M]) pay(l life[M], now int64) (why string, short bool) {
	g, scopes := r.cfg.Guard, r.scopes(l)
	var costs [2]int64
	for i, z := range scopes {
		if z.grips || r.ledger.listened(z.gripped, now) <= int64(l.key().interval()) {
			costs[i] = g.cost()
		}
		if z.credit < costs[i] {
			return z.reason(g, z == &r.zones.all), true
		}
	}
	for i, z := range scopes {
		z.credit -= costs[i]
	}
	return "", false
}

// regrip finds out where the guard grips: before a sweep lets anybody go, and after, or
// when there is nobody to judge.
func (r *Registry[M]) regrip(now int64) {
	if !r.cfg.Guard.on() {
		return
	}
	r.zones.all.grip(r.cfg.Guard, &r.ledger, now)
	for i := range r.zones.list {
		r.zones.list[i].grip(r.cfg.Guard, &r.ledger, now)
	}
}

// grip finds out whether the guard grips here. If it does not any more, it may have until
// now.
func (z *zone) grip(g Guard, l *ledger, now int64) {
	z.save(g, l, now)
	was, gone := z.grips, z.gone.sum(now, g.Hold)
	if missing, total := z.suspects+gone, z.hosts+gone; missing != z.missing || total != z.total {
		z.missing, z.total, z.why = missing, total, ""
	}
	if z.grips = g.tooMany(z.missing, z.total); z.grips || was {
		z.gripped = now
	}
}

// reason says why the guard holds a host; many share one string.
func (z *zone) reason(g Guard, all bool) string {
	if z.why == "" {
		z.why = z.explain(g, all)
	}
	return z.why
}

func (z *zone) explain(g Guard, all bool) string {
	switch {
	case !z.grips:
		return "guard: until lately too many hosts were missing"
	case g.MaxFraction == 0:
		return fmt.Sprintf("guard: at most %v a second go", g.PerSecond)
	case all:
		return fmt.Sprintf("guard: %d of %d hosts are missing", z.missing, z.total)
	default:
		return fmt.Sprintf("guard: %d of %d hosts of zone %q are missing", z.missing, z.total, z.name)
	}
}

// holding is reason for whoever only reads: empty if the guard holds nobody here on this
// zone's account.
func (z *zone) holding(g Guard, all bool) string {
	switch {
	case z.waiting == 0:
		return ""
	case z.grips && z.why == "":
		return z.explain(g, all)
	default:
		return z.why
	}
}

// brake counts a host that the guard begins to hold, or no longer does.
func (r *Registry[M]) brake(l life[M], holds bool) {
	for _, z := range r.scopes(l) {
		if holds {
			z.waiting++
		} else {
			z.waiting--
		}
	}
}

// makeUp has a host that joins stand for one that was evicted lately, for it may be that one.
func (r *Registry[M]) makeUp(l life[M]) {
	if !r.cfg.Guard.on() {
		return
	}
	for _, z := range r.scopes(l) {
		z.gone.takeBack()
	}
}

// miss counts a host that is evicted among the missing for one Hold more, unless that is
// over for it: who is given up is not missed.
func (r *Registry[M]) miss(l life[M], now int64) {
	if !r.cfg.Guard.on() {
		return
	}
	if h, _ := l.held(); h.expired {
		return
	}
	for _, z := range r.scopes(l) {
		z.gone.add(now, r.cfg.Guard.Hold)
	}
}

package hostmgr

import (
	"strings"
	"time"
)

// A verdict is what a host's silence means at one moment.
type verdict struct {
	word               int64 // that it is based on
	seen               int64 // when the host was heard
	silence, excused   int64
	suspectAt, evictAt int64 // the host is suspect, or due, after these
	recheck            int64 // they may come sooner from then on, if it is heard meanwhile
	state              State
}

// verdict judges a host.
func (r *Registry[M]) verdict(l life[M], now int64) (v verdict) {
	r.judgeNow(&v, l, now)
	return v
}

// judgeNow is verdict into v. Terms are not copied where nothing was learned.
func (r *Registry[M]) judgeNow(v *verdict, l life[M], now int64) {
	t := l.terms()
	if l.page.rhythms != nil {
		learned := l.patience()
		t = &learned
	}
	r.judgeAs(v, l, t, now)
}

// judgeAs makes v what a host of these terms, its patience, is judged as. That is a function of the
// word, the terms, the ledger and now alone, so that what is shown and what is decided are the same
// thing. The caller holds r.mu, for reading at least.
func (r *Registry[M]) judgeAs(v *verdict, l life[M], t *terms, now int64) {
	v.word = l.word().load()
	seen, g := r.lender.latest(seenIn(v.word), now), &r.ledger
	if v.excused = g.excused(seen, now); t.impatient() {
		g = &r.fine
		v.excused = r.withShort(v.excused, g.excused(seen, now))
	}
	v.judge(g, seen, t, now)
	v.recheck = never
	if t.learns {
		v.recheck = now + int64(t.interval)
	}
}

// judge fills in the rest of a verdict that knows its word, and what is excused.
func (v *verdict) judge(g *ledger, seen int64, t *terms, now int64) {
	v.seen = min(seen, now)
	v.silence = max(0, now-seen-v.excused)
	v.suspectAt = after(seen+v.excused, t.suspect)
	due := after(seen+v.excused, t.evict)
	if v.evictAt = g.grace(due, t, now); v.evictAt > due {
		v.suspectAt = min(v.suspectAt, due) // until it is evicted, also where the policy suspects no host
	}
	switch {
	case now > v.evictAt:
		v.state = Offline
	case now > v.suspectAt:
		v.state = Suspect
	case v.silence > int64(t.interval):
		v.state = Late
	default:
		v.state = Alive
	}
}

// grace puts a deadline off after a stall: the host gets its own interval, and
// a gap, to be heard in; but no more than twice its patience in all.
func (g *ledger) grace(evictAt int64, t *terms, now int64) int64 {
	if s, ok := g.latest(now); ok {
		return s.grace(evictAt, t)
	}
	return evictAt
}

func (s stall) grace(evictAt int64, t *terms) int64 {
	if evictAt >= never {
		return evictAt
	}
	return max(evictAt, min(s.to+int64(t.interval)+s.limit, evictAt+int64(t.evict)))
}

// next is when the host must be looked at again if nothing changes: one
// nanosecond after its next deadline.
func (v *verdict) next(suspected bool) int64 {
	if !suspected && v.suspectAt < v.evictAt {
		return min(v.suspectAt+1, v.recheck)
	}
	return min(v.evictAt+1, v.recheck)
}

func after(t int64, patience time.Duration) int64 {
	if patience == 0 {
		return never
	}
	return min(t+int64(patience), never)
}

// snapshot makes h, all of it, the host as it is at now, under an id that the caller
// keeps. The caller holds r.mu, for reading at least.
func (r *Registry[M]) snapshot(h *Host[M], l life[M], id string, now int64) {
	v := r.verdict(l, now)
	h.ID, h.State = id, v.state
	l.load(&h.Metadata)
	k := l.key()
	h.Interval, h.Incarnation, h.Life = k.interval(), k.incarnation, k.number
	h.Zone, h.Joined = r.zones.list[l.mark().zone].name, r.time.wall(l.record().joinedAt())
	h.LastSeen, h.SuspectAt, h.EvictAt = r.time.wall(v.seen), r.time.wall(v.suspectAt), r.time.wall(v.evictAt)
	h.Held = ""
	if v.state == Offline {
		held, _ := l.held()
		h.Held = held.by()
	}
}

// show is a snapshot with an id of its own.
func (r *Registry[M]) show(h *Host[M], l life[M], now int64) {
	r.snapshot(h, l, strings.Clone(l.id()), now)
}

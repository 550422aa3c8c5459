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
	state              State
}

// verdict judges a host. It is a function of the word, the terms, the ledger
// and now alone, so that what is shown and what is decided are the same thing.
// The caller holds r.mu, for reading at least.
func (r *Registry[M]) verdict(l life[M], now int64) verdict {
	word := l.word().load()
	v := r.ledger.judge(r.lender.latest(seenIn(word), now), l.terms(), now)
	v.word = word
	return v
}

func (g *ledger) judge(seen int64, t *terms, now int64) (v verdict) {
	v.seen = min(seen, now)
	v.excused = g.excused(seen, now)
	v.silence = max(0, now-seen-v.excused)
	v.suspectAt = after(seen+v.excused, t.suspect)
	v.evictAt = g.grace(after(seen+v.excused, t.evict), t, now)
	switch {
	case now > v.evictAt:
		v.state = Offline
	case now > v.suspectAt || t.evict > 0 && v.silence > int64(t.evict):
		v.state = Suspect
	case v.silence > int64(t.interval):
		v.state = Late
	default:
		v.state = Alive
	}
	return v
}

// grace puts a deadline off after a stall: the host gets its own interval, and
// a gap, to be heard in; but no more than twice its patience in all.
func (g *ledger) grace(evictAt int64, t *terms, now int64) int64 {
	s, ok := g.latest(now)
	if !ok || evictAt >= never {
		return evictAt
	}
	return max(evictAt, min(s.to+int64(t.interval)+s.limit, evictAt+int64(t.evict)))
}

// next is when the host must be looked at again if nothing changes: one
// nanosecond after its next deadline.
func (v verdict) next(suspected bool) int64 {
	if !suspected && v.suspectAt < v.evictAt {
		return min(v.suspectAt+1, never)
	}
	return min(v.evictAt+1, never)
}

func after(t int64, patience time.Duration) int64 {
	if patience == 0 {
		return never
	}
	return min(t+int64(patience), never)
}

// snapshot is the host as it is at now, under an id that the caller keeps. The
// caller holds r.mu, for reading at least.
func (r *Registry[M]) snapshot(l life[M], id string, now int64) Host[M] {
	v, k := r.verdict(l, now), l.lease()
	c, i := l.rest()
	h := Host[M]{
		ID: id, Metadata: c.metadata[i], State: v.state,
		Interval: k.Interval, Incarnation: k.Incarnation, Life: k.Life,
		Zone: r.zones.list[l.mark().zone].name, Joined: r.time.wall(c.records[i].joinedAt()), LastSeen: r.time.wall(v.seen),
		SuspectAt: r.time.wall(v.suspectAt), EvictAt: r.time.wall(v.evictAt),
	}
	if hold, ok := r.holds[k.Life]; ok && v.state == Offline {
		h.Held = hold.by
	}
	return h
}

// show is a snapshot with an id of its own.
func (r *Registry[M]) show(l life[M], now int64) Host[M] {
	return r.snapshot(l, strings.Clone(l.id()), now)
}

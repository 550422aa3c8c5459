package evictlimit

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

const (
	Kinds   = 5 // of departures, by hostmgr.DepartureKind; none is 0
	evicted = 2 // the kind of an eviction: hostmgr.DepartureEvicted

	part       = int64(10 * time.Second)
	parts      = 31 // 5 minutes, and the current part
	remembered = int64(time.Hour)
)

// A Past is what has happened in a zone, or to all hosts.
type Past struct {
	Ended     [Kinds]uint64 // departures by hostmgr.DepartureKind
	Evicted   int           // in the last 5 minutes
	Most      int           // hosts at a time in the last 5 minutes
	EvictedAt int64         // the latest eviction; 0: none
}

// A past is what has happened in a scope. The past of a zone remains for an hour after its latest
// eviction, even if the zone has no hosts.
type past struct {
	ended     [Kinds]uint64 // departures by kind
	evictedAt int64         // the latest eviction; 0: none
	sampled   uint64        // evictions that are in parts
	parts     [parts]pastPart
}

// A pastPart covers 10 seconds.
type pastPart struct {
	number  int64 // the time at its beginning, in parts
	evicted int
	most    int // the greatest number of hosts
}

// end counts a departure.
func (p *past) end(kind uint8, now int64) {
	p.ended[kind]++
	if kind == evicted {
		p.evictedAt = now
	}
}

// sample notes the number of hosts, and puts the evictions since the last sample into their part.
func (p *past) sample(hosts int, now int64) {
	if n := int(p.ended[evicted] - p.sampled); n > 0 {
		p.sampled = p.ended[evicted]
		at := p.at(p.evictedAt)
		at.evicted += n
		at.most = max(at.most, hosts+n)
	}
	at := p.at(now)
	at.most = max(at.most, hosts)
}

// at returns the part of a time. A part that has the place of an older one replaces it.
func (p *past) at(t int64) *pastPart {
	n := t / part
	at := &p.parts[n%parts]
	if at.number != n {
		*at = pastPart{number: n}
	}
	return at
}

// shown returns the past of a scope that has so many hosts.
func (p *past) shown(hosts int, now int64) Past {
	to := Past{Ended: p.ended, EvictedAt: p.evictedAt}
	after := now/part - parts
	for _, at := range p.parts {
		if at.number > after {
			to.Evicted, to.Most = to.Evicted+at.evicted, max(to.Most, at.most)
		}
	}
	if p.evictedAt/part > after { // since the last sample
		n := int(p.ended[evicted] - p.sampled)
		to.Evicted, hosts = to.Evicted+n, hosts+n
	}
	to.Most = max(to.Most, hosts)
	return to
}

// Past returns the past of all hosts.
func (l *Limiter) Past(now int64) Past { return l.all.past.shown(l.all.hosts, now) }

// Depart counts a departure in both scopes of a zone. kind is a hostmgr.DepartureKind.
func (l *Limiter) Depart(zone, kind uint8, now int64) {
	l.zones[zone].past.end(kind, now)
	l.all.past.end(kind, now)
}

// Sample notes the number of hosts of each zone, and forgets the zones without hosts whose latest
// eviction is more than an hour ago. Call it about once a second.
func (l *Limiter) Sample(now int64) {
	l.all.past.sample(l.all.hosts, now)
	for i := range l.zones {
		if z := &l.zones[i]; z.hosts > 0 {
			z.past.sample(z.hosts, now)
		}
	}
	for _, p := range l.gone {
		p.sample(0, now)
	}
	maps.DeleteFunc(l.gone, func(_ string, p *past) bool { return now-p.evictedAt > remembered })
}

// keep keeps the past of a zone that has no hosts any more, if any were evicted.
func (l *Limiter) keep(name string, p *past) {
	if p.evictedAt == 0 {
		return
	}
	if l.gone == nil {
		l.gone = map[string]*past{}
	}
	l.gone[name] = p
	l.makeRoom()
}

// recall returns the past of a zone that gets its first host.
func (l *Limiter) recall(name string) *past {
	p := l.gone[name]
	if p == nil {
		return &past{}
	}
	delete(l.gone, name)
	return p
}

// makeRoom bounds the number of all zones. The zones whose evictions are oldest are forgotten
// first.
func (l *Limiter) makeRoom() {
	for len(l.gone) > 0 && len(l.gone)+len(l.index) > maxZones+1 {
		names := slices.Collect(maps.Keys(l.gone))
		delete(l.gone, slices.MinFunc(names, func(a, b string) int {
			p, q := l.gone[a], l.gone[b]
			return cmp.Or(cmp.Compare(p.evictedAt, q.evictedAt), cmp.Compare(a, b))
		}))
	}
}

package evictlimit

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Kinds is the number of kinds of departures, 0 included, which is none. Each is a
// hostmgr.DepartureKind.
const Kinds = 5

const (
	evicted  = 2 // hostmgr.DepartureEvicted
	replaced = 3 // hostmgr.DepartureReplaced

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

// A tally counts departures. A scope has it by value: a mass eviction counts each host here.
type tally struct {
	ended     [Kinds]uint64 // by kind
	evictedAt int64         // the latest eviction; 0: none
}

// add adds the counts of another tally.
func (t *tally) add(o *tally) {
	for kind, n := range o.ended {
		t.ended[kind] += n
	}
	t.evictedAt = max(t.evictedAt, o.evictedAt)
}

// A past is what has happened in a scope of late. It is nil until the first sample: a host may join
// and leave a zone of its own all the time.
type past struct {
	sampled uint64 // evictions that are in parts
	parts   [parts]pastPart
}

// A lostZone is the past of a zone that has no hosts. It remains for an hour after its latest
// eviction.
type lostZone struct {
	tally
	*past
}

// A pastPart covers 10 seconds.
type pastPart struct {
	number  int64 // the time at its beginning, in parts
	evicted int
	most    int // the greatest number of hosts
}

// sample notes the number of hosts, and puts the evictions since the last sample into their part.
func (p *past) sample(t *tally, hosts int, now int64) *past {
	if p == nil {
		p = &past{}
	}
	if n := int(t.ended[evicted] - p.sampled); n > 0 {
		p.sampled = t.ended[evicted]
		at := p.at(t.evictedAt)
		at.evicted += n
		at.most = max(at.most, hosts+n)
	}
	at := p.at(now)
	at.most = max(at.most, hosts)
	return p
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
func (p *past) shown(t *tally, hosts int, now int64) Past {
	to := Past{Ended: t.ended, EvictedAt: t.evictedAt}
	after := now/part - parts
	if p == nil {
		p = &past{}
	}
	for _, at := range p.parts {
		if at.number > after {
			to.Evicted, to.Most = to.Evicted+at.evicted, max(to.Most, at.most)
		}
	}
	if t.evictedAt/part > after { // since the last sample
		n := int(t.ended[evicted] - p.sampled)
		to.Evicted, hosts = to.Evicted+n, hosts+n
	}
	to.Most = max(to.Most, hosts)
	return to
}

// Past returns the past of all hosts.
func (l *Limiter) Past(now int64) Past {
	t := l.tally()
	return l.all.past.shown(&t, l.all.hosts, now)
}

// tally sums up all zones, those that are forgotten included.
func (l *Limiter) tally() tally {
	sum := l.forgotten
	for i := range l.zones {
		sum.add(&l.zones[i].tally)
	}
	for _, z := range l.gone {
		sum.add(&z.tally)
	}
	return sum
}

// Depart counts a departure in a zone. kind is a hostmgr.DepartureKind. Unless it is replaced, the
// host leaves the zone.
func (l *Limiter) Depart(zone, kind uint8, now int64) {
	z := &l.zones[zone]
	z.ended[kind]++
	switch kind {
	case evicted:
		z.evictedAt = now
	case replaced:
		return
	}
	l.Leave(zone)
}

// Sample notes the number of hosts of each zone, and forgets the zones without hosts whose latest
// eviction is more than an hour ago. Call it about once a second.
func (l *Limiter) Sample(now int64) {
	all := l.tally()
	l.all.past = l.all.past.sample(&all, l.all.hosts, now)
	for i := range l.zones {
		if z := &l.zones[i]; z.hosts > 0 {
			z.past = z.past.sample(&z.tally, z.hosts, now)
		}
	}
	for name, z := range l.gone {
		z.past = z.past.sample(&z.tally, 0, now)
		if now-z.evictedAt > remembered {
			l.forget(name)
		}
	}
}

// keep keeps the past of a zone that has no hosts any more, if any were evicted.
func (l *Limiter) keep(z *scope) {
	if z.evictedAt == 0 {
		l.forgotten.add(&z.tally)
		return
	}
	if l.gone == nil {
		l.gone = map[string]*lostZone{}
	}
	l.gone[z.name] = &lostZone{z.tally, z.past}
	l.makeRoom()
}

// recall gives a zone that gets its first host its past.
func (l *Limiter) recall(z *scope) {
	if lost := l.gone[z.name]; lost != nil {
		z.tally, z.past = lost.tally, lost.past
		delete(l.gone, z.name)
	}
}

// forget forgets a zone without hosts.
func (l *Limiter) forget(name string) {
	l.forgotten.add(&l.gone[name].tally)
	delete(l.gone, name)
}

// makeRoom bounds the number of all zones. The zones whose evictions are oldest are forgotten
// first.
func (l *Limiter) makeRoom() {
	for len(l.gone) > 0 && len(l.gone)+len(l.index) > maxZones+1 {
		names := slices.Collect(maps.Keys(l.gone))
		l.forget(slices.MinFunc(names, func(a, b string) int {
			return cmp.Or(cmp.Compare(l.gone[a].evictedAt, l.gone[b].evictedAt), cmp.Compare(a, b))
		}))
	}
}

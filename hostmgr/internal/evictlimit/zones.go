package evictlimit

import (
	"iter"
	"strings"
)

const (
	maxZones = 64
	// OtherZone is the name of the zone in which hosts of further zones are counted.
	OtherZone = "other"
)

// Counts has the figures of a zone, or of all hosts.
type Counts struct {
	Name                  string // of the zone
	Hosts, Suspects, Held int
	Reason                Reason // why the limit holds hosts here, or zero
	Until                 int64  // when the first of them is released at the latest; 0: none, or not known yet
}

// Enter counts one more host in the zone of this name, and returns the number of the zone. When
// there are 64 zones, hosts of further zones are counted in zone "other", which is not one of the
// 64.
func (l *Limiter) Enter(zone string) uint8 {
	i := l.find(zone)
	l.zones[i].hosts++
	l.all.hosts++
	l.last = i
	return i
}

// Leave counts one host fewer in a zone. The number of a zone without hosts is free, but its past
// is kept for an hour after its latest eviction.
func (l *Limiter) Leave(zone uint8) {
	z := &l.zones[zone]
	l.all.hosts--
	if z.hosts--; z.hosts == 0 {
		delete(l.index, z.name)
		l.keep(z)
		*z = scope{}
	}
}

// Move moves one host from a zone to the zone of this name, and returns the number of that zone. If
// it is the same zone nothing changes, even if the host is the only one there. If the host was the
// last one of its zone, the old zone makes room for the new one.
func (l *Limiter) Move(from uint8, zone string) (to uint8) {
	if name := l.zones[from].name; name == zone || name == l.counted(zone) {
		return from
	}
	l.Leave(from)
	return l.Enter(zone)
}

// Name returns the name of a zone.
func (l *Limiter) Name(zone uint8) string { return l.zones[zone].name }

// Number returns the number of the zone of this name, or false if it has no host.
func (l *Limiter) Number(zone string) (number uint8, ok bool) {
	number, ok = l.index[zone]
	return number, ok
}

// Hosts returns the number of hosts in all zones.
func (l *Limiter) Hosts() int { return l.all.hosts }

// Suspect adds to the number of suspects in a zone; more may be negative.
func (l *Limiter) Suspect(zone uint8, more int) {
	l.zones[zone].suspects += more
	l.all.suspects += more
}

// Held adds to the number of hosts in a zone that are due but held, by the limit or by Confirm;
// more may be negative.
func (l *Limiter) Held(zone uint8, more int) {
	l.zones[zone].held += more
	l.all.held += more
}

// All returns the figures of all hosts.
func (l *Limiter) All() Counts { return l.all.counts(l.config, true) }

// Zones yields the figures and the past of each zone that has hosts, or had an eviction within an
// hour, in no order. There are at most 64, and zone "other".
func (l *Limiter) Zones(now int64) iter.Seq2[Counts, Past] {
	return func(yield func(Counts, Past) bool) {
		for i := range l.zones {
			if z := &l.zones[i]; z.hosts > 0 && !yield(z.counts(l.config, false), z.past.shown(&z.tally, z.hosts, now)) {
				return
			}
		}
		for name, p := range l.gone {
			if now-p.evictedAt <= remembered && !yield(Counts{Name: name}, p.shown(&p.tally, 0, now)) {
				return
			}
		}
	}
}

// find returns the zone in which hosts of this name are counted. It first tries the zone that was
// entered last, which is right in most cases.
func (l *Limiter) find(name string) uint8 {
	if int(l.last) < len(l.zones) && l.zones[l.last].is(name) {
		return l.last
	}
	name = l.counted(name)
	if i, ok := l.index[name]; ok {
		return i
	}
	return l.open(strings.Clone(name))
}

func (s *scope) is(name string) bool { return s.hosts > 0 && s.name == name }

// open gives a zone the first free number.
func (l *Limiter) open(name string) uint8 {
	i := 0
	for i < len(l.zones) && l.zones[i].hosts > 0 {
		i++
	}
	if i == len(l.zones) {
		l.zones = append(l.zones, scope{})
	}
	l.zones[i].name = name
	l.recall(&l.zones[i])
	l.index[name] = uint8(i)
	l.makeRoom()
	return uint8(i)
}

// counted returns the name of the zone in which hosts of this name are counted.
func (l *Limiter) counted(name string) string {
	if _, ok := l.index[name]; !ok && l.full() {
		return OtherZone
	}
	return name
}

func (l *Limiter) full() bool {
	n := len(l.index)
	if _, ok := l.index[OtherZone]; ok {
		n--
	}
	return n >= maxZones
}

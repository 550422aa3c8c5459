package hostmgr

import (
	"strings"

	"github.com/hostlife/hostlife/hostmgr/internal/evictlimit"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// zones says in which zone each host is. The limiter counts hosts of the 65th and all further zones
// in zone "other". Only for these hosts, zones keeps the name. The registry's lock guards it.
//
// It is not generic, so that the compiler inlines what it calls: see assessment.assess.
type zones struct {
	limiter *evictlimit.Limiter
	folded  map[hostKey]*zoneName // of hosts with another name than the zone that counts them
	names   map[string]*zoneName  // the same names: a million hosts of one zone share one string
}

// A zoneName is the name of a zone that is counted in zone "other".
type zoneName struct {
	name  string
	hosts int // that have this name
}

// of returns the name of a host's zone.
func (z *zones) of(e index.Entry) string {
	name := z.limiter.Name(e.Zone())
	if len(z.folded) > 0 && name == evictlimit.OtherZone {
		if own := z.folded[keyOf(e)]; own != nil {
			return own.name
		}
	}
	return name
}

// numbers returns the numbers of the zones in which hosts of this name are counted: their own zone,
// zone "other" or, if hosts joined before and after there was room, both.
func (z *zones) numbers(name string) (set index.ZoneSet) {
	if number, ok := z.limiter.Number(name); ok {
		set = set.With(number)
	}
	if z.names[name] != nil {
		other, _ := z.limiter.Number(evictlimit.OtherZone)
		set = set.With(other)
	}
	return set
}

// enter puts a new registration into the zone of this name. number is the zone in which the limiter
// has counted the host already.
func (z *zones) enter(e index.Entry, number uint8, name string) {
	e.SetZone(number)
	if z.limiter.Name(number) != name {
		z.fold(keyOf(e), name)
	}
}

// move moves a host into the zone of this name; an empty name means the zone that it is in. A host
// that was counted in zone "other" is counted in its own zone if there is room now.
func (z *zones) move(e index.Entry, name string) {
	if name == "" && len(z.folded) == 0 {
		return
	}
	if name == "" {
		name = z.of(e)
	}
	z.put(e, name)
}

// put is move, but an empty name means no zone.
func (z *zones) put(e index.Entry, name string) {
	was := z.of(e)
	number := z.limiter.Move(e.Zone(), name)
	if number == e.Zone() && name == was {
		return
	}
	z.leave(e)
	z.enter(e, number, name)
}

// moveSuspect is move for a suspect host, and corrects the counts of both zones: suspects, held
// hosts, and hosts that wait for the eviction limit.
func (z *zones) moveSuspect(e index.Entry, waits bool, name string) {
	z.countSuspect(e, waits, -1)
	z.move(e, name)
	z.countSuspect(e, waits, 1)
}

// countSuspect adds a suspect to the counts of its zone, or removes it if more is negative.
func (z *zones) countSuspect(e index.Entry, waits bool, more int) {
	z.limiter.Suspect(e.Zone(), more)
	if e.Held() {
		z.limiter.Held(e.Zone(), more)
	}
	if waits {
		z.limiter.Wait(e.Zone(), more > 0)
	}
}

// leave forgets the name of a host that departs.
func (z *zones) leave(e index.Entry) {
	if len(z.folded) > 0 {
		z.unfold(keyOf(e))
	}
}

func (z *zones) fold(k hostKey, name string) {
	if z.folded == nil {
		z.folded, z.names = map[hostKey]*zoneName{}, map[string]*zoneName{}
	}
	n := z.names[name]
	if n == nil {
		n = &zoneName{name: strings.Clone(name)}
		z.names[n.name] = n
	}
	n.hosts++
	z.folded[k] = n
}

// unfold drops the maps with their last entry, because maps do not shrink.
func (z *zones) unfold(k hostKey) {
	n := z.folded[k]
	if n == nil {
		return
	}
	if n.hosts--; n.hosts == 0 {
		delete(z.names, n.name)
	}
	if delete(z.folded, k); len(z.folded) == 0 {
		z.folded, z.names = nil, nil
	}
}

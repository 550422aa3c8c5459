package hostmgr

import "strings"

const (
	maxZones  = 64
	otherZone = "other"
)

// zones are those that have hosts, by a small number. Guarded by Registry.mu.
type zones struct {
	all   zone   // the figures of all of them
	list  []zone // one without hosts is free
	index map[string]uint8
	last  uint8 // that was entered: mostly the next one is the same
}

// A zone is a name that hosts share, and how they fare.
type zone struct {
	name     string
	hosts    int
	suspects int // that a sweep found so, and that were not heard since
	held     int // that are due but held
	brake
}

func (z *zone) is(name string) bool { return z.hosts > 0 && z.name == name }

// enter counts a host in. When there are 64 zones already, a further one is
// "other", which is not one of the 64.
func (zs *zones) enter(name string) uint8 {
	i := zs.find(name)
	zs.list[i].hosts++
	zs.all.hosts++
	zs.last = i
	return i
}

func (zs *zones) find(name string) uint8 {
	if int(zs.last) < len(zs.list) && zs.list[zs.last].is(name) {
		return zs.last
	}
	name = zs.folded(name)
	if i, ok := zs.index[name]; ok {
		return i
	}
	return zs.open(strings.Clone(name))
}

func (zs *zones) open(name string) uint8 {
	i := 0
	for i < len(zs.list) && zs.list[i].hosts > 0 {
		i++
	}
	if i == len(zs.list) {
		zs.list = append(zs.list, zone{})
	}
	zs.list[i].name = name
	if zs.index == nil {
		zs.index = map[string]uint8{}
	}
	zs.index[name] = uint8(i)
	return uint8(i)
}

// move counts a host of one zone in another. A zone that it stays in is not forgotten, though it
// may be the only host there: so it leaves only if it is counted elsewhere then.
func (zs *zones) move(from uint8, name string) (to uint8) {
	if was := zs.list[from].name; was == name || was == zs.folded(name) {
		return from
	}
	zs.leave(from)
	return zs.enter(name)
}

// folded is the zone that hosts of this name are counted in.
func (zs *zones) folded(name string) string {
	if _, ok := zs.index[name]; !ok && zs.full() {
		return otherZone
	}
	return name
}

func (zs *zones) full() bool {
	n := len(zs.index)
	if _, ok := zs.index[otherZone]; ok {
		n--
	}
	return n >= maxZones
}

// leave counts a host out.
func (zs *zones) leave(i uint8) {
	z := &zs.list[i]
	zs.all.hosts--
	if z.hosts--; z.hosts == 0 {
		delete(zs.index, z.name)
		*z = zone{}
	}
}

// hold counts so many held hosts more.
func (zs *zones) hold(i uint8, more int) {
	zs.list[i].held += more
	zs.all.held += more
}

// suspect counts so many suspects more.
func (zs *zones) suspect(i uint8, more int) {
	zs.list[i].suspects += more
	zs.all.suspects += more
}

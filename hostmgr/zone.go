package hostmgr

import "strings"

const (
	maxZones  = 64
	otherZone = "other"
)

// zones are those that have hosts, by a small number. Guarded by Registry.mu.
type zones struct {
	list  []zone // one without hosts is free
	index map[string]uint8
	last  uint8 // that was entered: mostly the next one is the same
}

// A zone is a name that hosts share.
type zone struct {
	name  string
	hosts int
}

func (z *zone) is(name string) bool { return z.hosts > 0 && z.name == name }

// enter counts a host in. When there are 64 zones already, a further one is
// "other", which is not one of the 64.
func (zs *zones) enter(name string) uint8 {
	if int(zs.last) < len(zs.list) && zs.list[zs.last].is(name) {
		zs.list[zs.last].hosts++
		return zs.last
	}
	i, ok := zs.index[name]
	if !ok && name != otherZone && zs.full() {
		return zs.enter(otherZone)
	}
	if !ok {
		i = zs.open(strings.Clone(name))
	}
	zs.list[i].hosts++
	zs.last = i
	return i
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
	if z.hosts--; z.hosts == 0 {
		delete(zs.index, z.name)
		z.name = ""
	}
}

package hostmgr

import "strings"

const (
	maxZones  = 64
	otherZone = "other"
)

// A zone is a name that hosts share.
type zone struct {
	name  string
	hosts int
}

// zones are those that have hosts. Guarded by Registry.mu.
type zones map[string]*zone

// enter counts a host in. When there are 64 zones already, a further one is
// "other", which is not one of the 64.
func (zs zones) enter(name string) *zone {
	z, ok := zs[name]
	if !ok && name != otherZone && zs.full() {
		return zs.enter(otherZone)
	}
	if !ok {
		z = &zone{name: strings.Clone(name)}
		zs[z.name] = z
	}
	z.hosts++
	return z
}

func (zs zones) full() bool {
	n := len(zs)
	if zs[otherZone] != nil {
		n--
	}
	return n >= maxZones
}

// leave counts a host out.
func (zs zones) leave(z *zone) {
	if z.hosts--; z.hosts == 0 {
		delete(zs, z.name)
	}
}

package hostweb

import (
	"slices"
	"strings"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	maxZones   = 64 // that are counted one by one; hosts of further zones count as:
	otherZones = "other"
)

// A census counts hosts by zone. The 65th zone and all further ones count as one.
type census map[string]*zoneCounts

func (c census) of(name string) *zoneCounts {
	z := c[name]
	if z == nil && len(c) >= maxZones {
		name = otherZones
		z = c[name]
	}
	if z == nil {
		z = &zoneCounts{Name: name}
		c[name] = z
	}
	return z
}

func (c census) sorted() []zoneCounts {
	list := []zoneCounts{}
	for _, z := range c {
		list = append(list, *z)
	}
	slices.SortFunc(list, func(a, b zoneCounts) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// zones adds to the zones of a scan what the registry knows of their past, and the zones that have
// lost all their hosts.
func (h *Handler[M]) zones(c census) []zoneCounts {
	s := h.Registry.Stats()
	for _, past := range zonesOf(&s) {
		z := c[past.Name]
		if z == nil && len(c) <= maxZones {
			z = &zoneCounts{Name: past.Name}
			c[past.Name] = z
		}
		if z != nil {
			z.Hold, z.HoldUntil, z.Departures, z.Lost = past.Hold, past.HoldUntil, past.Departures, past.Lost
		}
	}
	return c.sorted()
}

// stateCounts are numbers of hosts.
type stateCounts struct {
	Alive   int `json:"alive"`
	Late    int `json:"late"`
	Suspect int `json:"suspect"`
	Offline int `json:"offline"`
	Held    int `json:"held"` // of all of them
}

// zoneCounts are the numbers of hosts of a zone, and its past.
type zoneCounts struct {
	Name string `json:"name"`
	stateCounts
	Hold       string         `json:"hold"`
	HoldUntil  stamp          `json:"holdUntil"`
	Departures departureStats `json:"departures"`
	Lost       lostStats      `json:"lost"`
}

// Total is the number of hosts in any state.
func (c stateCounts) Total() int { return c.Alive + c.Late + c.Suspect + c.Offline }

func (c *stateCounts) add(s hostmgr.State, held bool) {
	switch s {
	case hostmgr.StateAlive:
		c.Alive++
	case hostmgr.StateLate:
		c.Late++
	case hostmgr.StateSuspect:
		c.Suspect++
	default:
		c.Offline++
	}
	if held {
		c.Held++
	}
}

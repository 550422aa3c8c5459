package hostmgr_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// zoneFigures are the numbers of hosts in an element of Stats.Zones.
type zoneFigures struct {
	Name                  string
	Hosts, Suspects, Held int
}

// zonesOf returns the figures of the zones that have hosts.
func zonesOf(s hostmgr.Stats) (zones []zoneFigures) {
	for _, z := range s.Zones {
		if z.Hosts > 0 {
			zones = append(zones, zoneFigures{z.Name, z.Hosts, z.Suspects, z.Held})
		}
	}
	return zones
}

// zoneStats returns the figures of a zone.
func zoneStats(s *script, name string) (z zoneFigures) {
	for _, z := range zonesOf(s.Stats()) {
		if z.Name == name {
			return z
		}
	}
	return z
}

// crowdedZones has 64 zones of one host each, "0" to "63", so all further zones are counted in zone
// "other".
func crowdedZones(t testing.TB, cfg hostmgr.Config[string]) *script {
	s := newScript(t, cfg)
	for i := range 64 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Zone: strconv.Itoa(i), Interval: 24 * 60 * minute})
	}
	return s
}

// Ten hosts are in the 65th zone. All that names a zone names theirs; only counts are folded.
func TestThe65thZoneKeepsItsName(t *testing.T) {
	log, recorded := &cleanupLog{}, &bytes.Buffer{}
	s := crowdedZones(t, hostmgr.Config[string]{Cleanup: log.cleanup, Recorder: recorded})
	isOurs := func(h hostmgr.Host[string]) bool { return h.Zone == "z65" }
	for i := range 10 {
		s.announce(hostmgr.Announcement[string]{ID: "x" + strconv.Itoa(i), Zone: "z65", Interval: second})
	}
	s.announce(hostmgr.Announcement[string]{ID: "y", Zone: "other", Interval: second})
	require.Len(t, s.Sample(20, isOurs), 10)
	require.Equal(t, 11, zoneStats(s, "other").Hosts)
	require.Zero(t, zoneStats(s, "z65"))
	require.Equal(t, "other", s.get("y").Zone)

	s.announce(hostmgr.Announcement[string]{ID: "x0", Incarnation: s.get("x0").Incarnation + 1, Zone: "z66", Interval: second})
	s.announce(hostmgr.Announcement[string]{ID: "x1", Zone: "other"})
	s.announce(hostmgr.Announcement[string]{ID: "x2"})
	s.announce(hostmgr.Announcement[string]{ID: "x3", Zone: "3"})
	zones := func(s *script) map[string]string {
		all := map[string]string{}
		for h := range s.All() {
			if h.ID[0] == 'x' {
				all[h.ID] = h.Zone
			}
		}
		return all
	}
	want := map[string]string{
		"x0": "z66", "x1": "other", "x2": "z65", "x3": "3", "x4": "z65",
		"x5": "z65", "x6": "z65", "x7": "z65", "x8": "z65", "x9": "z65",
	}
	require.Equal(t, want, zones(s))
	require.Equal(t, 10, zoneStats(s, "other").Hosts)
	require.Equal(t, 2, zoneStats(s, "3").Hosts)
	s.Sweep(context.Background())
	require.Equal(t, "z65", log.departures[0].Host.Zone, "the x0 that was replaced")

	restored := newScript(t, hostmgr.Config[string]{})
	_, err := restored.Restore(s.All())
	require.NoError(t, err)
	require.Equal(t, want, zones(restored))

	gone := map[string]string{}
	require.Equal(t, 11, s.after(3*second).Evicted)
	for _, d := range log.departures[1:] {
		gone[d.Host.ID] = d.Host.Zone
	}
	delete(gone, "y")
	require.Equal(t, want, gone)
	require.Contains(t, recorded.String(), `zone="z65"`)
}

// A host counted in zone "other" is counted in a zone of its own once it announces again and there
// is room.
func TestAFoldedHostMovesWhenThereIsRoom(t *testing.T) {
	for _, named := range []string{"", "z65"} {
		s := crowdedZones(t, hostmgr.Config[string]{})
		s.announce(hostmgr.Announcement[string]{ID: "x", Zone: "z65"})
		require.NoError(t, s.Forget("7", 0))
		require.Zero(t, zoneStats(s, "z65").Hosts)
		s.announce(hostmgr.Announcement[string]{ID: "x", Zone: named})
		require.Equal(t, "z65", s.get("x").Zone)
		require.Equal(t, 1, zoneStats(s, "z65").Hosts)
		require.Zero(t, zoneStats(s, "other").Hosts)
	}
}

// A watcher sees the names of zones too.
func TestEventsNameTheZone(t *testing.T) {
	s := crowdedZones(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "x", Zone: "z65"})
	for e := range s.Watch(t.Context()) {
		if e.Host.ID == "x" {
			require.Equal(t, "z65", e.Host.Zone)
		}
		switch e.Kind {
		case hostmgr.EventSynced:
			s.announce(hostmgr.Announcement[string]{ID: "x"})
		case hostmgr.EventUpdated:
			require.NoError(t, s.Leave(context.Background(), "x", 0))
		case hostmgr.EventDeparted:
			return
		}
	}
}

// Hosts join, move, are replaced and leave at random among 80 zones.
func TestZonesAgainstAModel(t *testing.T) {
	for seed := range uint64(times(20, 1000)) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		s, model := newScript(t, hostmgr.Config[string]{}), map[string]string{}
		for range 1000 {
			id, zone := strconv.Itoa(rnd.IntN(150)), strconv.Itoa(rnd.IntN(80))
			_, there := model[id]
			a := hostmgr.Announcement[string]{ID: id, Zone: zone}
			switch n := rnd.IntN(6); {
			case n == 0 && there:
				require.NoError(t, s.Forget(id, 0))
				delete(model, id)
				continue
			case n == 1 && there:
				a.Zone = ""
				zone = model[id]
			case n == 2 && there:
				a.Incarnation = s.get(id).Incarnation + 1
			case n == 3:
				a.Zone, zone = "other", "other"
			}
			s.announce(a)
			model[id] = zone
		}
		counted, named := 0, map[string]int{}
		for id, zone := range model {
			require.Equal(t, zone, s.get(id).Zone)
			named[zone]++
		}
		for _, z := range s.Stats().Zones {
			counted += z.Hosts
			if z.Name != "other" {
				require.LessOrEqual(t, z.Hosts, named[z.Name], "the others may be counted as other still")
			}
		}
		require.Equal(t, len(model), counted)
		require.Len(t, slices.Collect(maps.Keys(model)), s.Len())
	}
}

// Many hosts of one folded zone share its name, and departures release it.
func TestNamesOfFoldedZonesTakeLittleMemory(t *testing.T) {
	const hosts = 20_000
	s := crowdedZones(t, hostmgr.Config[string]{})
	long := func() string { return strings.Repeat("x", 1024) }
	join := func(zone func() string) int64 {
		before := heap()
		for i := range hosts {
			s.announce(hostmgr.Announcement[string]{ID: fmt.Sprint("host ", i), Zone: zone(), Interval: second})
		}
		grown := heap() - before
		require.Equal(t, hosts, s.after(3*second).Evicted)
		return grown
	}
	join(func() string { return "0" })
	plain, folded := join(func() string { return "0" }), join(long)
	require.Less(t, (folded-plain)/hosts, int64(100), "bytes a host")
	before := heap()
	for range 3 {
		join(long)
	}
	require.Less(t, heap()-before, int64(hosts)*10)
	require.Equal(t, 64, s.Len(), "it is still in use")
}

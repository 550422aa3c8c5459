package hostmgr_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// inZone returns the ids that InZone yields. It fails the test if one comes twice or is in another
// zone.
func inZone(s *script, zone string) map[string]bool {
	ids := map[string]bool{}
	for h := range s.InZone(zone) {
		require.Equal(s.t, zone, h.Zone)
		require.False(s.t, ids[h.ID], "%s comes twice", h.ID)
		ids[h.ID] = true
	}
	return ids
}

// Hosts join, move between zones and leave, one by one and in waves, so that tables are rebuilt,
// and zones empty and return. There are more zones than are counted, and some hosts have none.
func TestInZoneAgainstAModel(t *testing.T) {
	for seed := range uint64(times(8, 800)) {
		s, rnd := newScript(t, hostmgr.Config[string]{}), rand.New(rand.NewPCG(seed, 65))
		zones, zoneOf := 1+rnd.IntN(90), map[string]string{}
		name := func() string {
			switch i := rnd.IntN(zones); i {
			case 0:
				return ""
			case 1:
				return "other"
			default:
				return strconv.Itoa(i)
			}
		}
		join := func(id string) {
			a := hostmgr.Announcement[string]{ID: id, Zone: name()}
			if rnd.IntN(8) == 0 && zoneOf[id] != "" { // replaces it
				a.Incarnation = s.get(id).Incarnation + 1
				zoneOf[id] = a.Zone
			}
			s.announce(a)
			if a.Zone != "" || zoneOf[id] == "" {
				zoneOf[id] = a.Zone
			}
		}
		for range 60 {
			first, wave := rnd.IntN(6000), 1
			if rnd.IntN(3) == 0 {
				wave = rnd.IntN(2000)
			}
			leave, fewer := rnd.IntN(2) == 0, rnd.IntN(zones)
			for i := range wave {
				id := strconv.Itoa(first + i)
				_, there := zoneOf[id]
				switch {
				case !leave:
					join(id)
				case there && zoneOf[id] != strconv.Itoa(fewer):
					require.NoError(t, s.Forget(id, 0))
					delete(zoneOf, id)
				}
			}
			want := map[string]map[string]bool{}
			for id, zone := range zoneOf {
				if want[zone] == nil {
					want[zone] = map[string]bool{}
				}
				want[zone][id] = true
			}
			for range 5 {
				zone := name()
				if want[zone] == nil {
					want[zone] = map[string]bool{}
				}
				require.Equal(t, want[zone], inZone(s, zone), "seed %d, zone %q", seed, zone)
			}
		}
	}
}

// The number of a zone that has emptied is used for another one. Neither shows the other's hosts.
func TestAZoneThatTakesThePlaceOfAnother(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 200 {
		zone := strconv.Itoa(i)
		for k := range 20 {
			s.announce(hostmgr.Announcement[string]{ID: fmt.Sprint(zone, "-", k), Zone: zone})
		}
		require.Len(t, inZone(s, zone), 20)
		if i > 0 {
			for k := range 20 {
				require.NoError(t, s.Forget(fmt.Sprint(i-1, "-", k), 0))
			}
		}
		require.Empty(t, inZone(s, strconv.Itoa(i-1)))
		require.Len(t, inZone(s, zone), 20)
	}
}

func TestALoopOverAZoneMayCallTheRegistryAndStop(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 3000 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Zone: strconv.Itoa(i % 2)})
	}
	seen := 0
	for h := range s.InZone("1") {
		s.announce(hostmgr.Announcement[string]{ID: h.ID, Zone: "0"})
		s.announce(hostmgr.Announcement[string]{ID: "new " + h.ID, Zone: "0"})
		if seen++; seen == 700 {
			break
		}
	}
	require.Equal(t, 700, seen)
	require.Len(t, inZone(s, "1"), 800)
	require.Len(t, inZone(s, "0"), 1500+2*700)
	require.Empty(t, inZone(s, "2"))
}

// A host that stays in the zone is met once by each loop, whatever other hosts do meanwhile: those
// join, leave and move. Samples of the zone have no host twice, and none of another zone.
func TestLoopsOverZonesAgainstAllElse(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	const stay = 50
	for i := range stay {
		s.announce(hostmgr.Announcement[string]{ID: fmt.Sprint("stays ", i), Zone: "ours"})
	}
	stop := make(chan struct{})
	var changes, loops sync.WaitGroup
	for w := range 2 {
		changes.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 66627))
			for {
				select {
				case <-stop:
					return
				default:
				}
				first := rnd.IntN(5000)
				for i := range rnd.IntN(400) {
					id := fmt.Sprint(w, " ", first+i)
					if rnd.IntN(2) == 0 {
						_, _ = s.Announce(hostmgr.Announcement[string]{ID: id, Zone: []string{"ours", "theirs", "other", strconv.Itoa(rnd.IntN(100))}[rnd.IntN(4)]})
					} else {
						_ = s.Forget(id, 0)
					}
				}
			}
		})
	}
	for range 3 {
		loops.Go(func() {
			for range times(60, 6000) {
				met := map[string]int{}
				for h := range s.InZone("ours") {
					if met[h.ID]++; h.Zone != "ours" || met[h.ID] > 1 {
						t.Errorf("%s of %s for the %d. time", h.ID, h.Zone, met[h.ID])
					}
				}
				for i := range stay {
					if id := fmt.Sprint("stays ", i); met[id] != 1 {
						t.Errorf("%s was met %d times", id, met[id])
					}
				}
				sampled := s.Sample(20, func(h hostmgr.Host[string]) bool { return h.Zone == "ours" })
				slices.SortFunc(sampled, func(a, b hostmgr.Host[string]) int { return len(a.ID) - len(b.ID) })
				ids := map[string]bool{}
				for _, h := range sampled {
					ids[h.ID] = true
				}
				if len(ids) != 20 || len(sampled) != 20 {
					t.Errorf("%d hosts in a sample of %d", len(ids), len(sampled))
				}
			}
		})
	}
	loops.Wait()
	close(stop)
	changes.Wait()
}

// Finding ten seeds among many hosts takes one allocation for each, and a few more.
func TestTheSeedsOfAZoneAllocateLittle(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 20_000 {
		zone := "all"
		if i%2000 == 0 {
			zone = "seeds"
		}
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Zone: zone})
	}
	require.LessOrEqual(t, testing.AllocsPerRun(5, func() { require.Len(t, inZone(s, "seeds"), 10) }), 64.0)
}

// Ten seeds are in a zone of their own. A map by zone is what InZone is compared with.
func BenchmarkInZone(b *testing.B) {
	s := benched(b, benchedHosts, benchedOutages[0].suspect)
	byZone := map[string]map[string]hostmgr.Host[string]{"seeds": {}}
	for i := range 10 {
		s.announce(hostmgr.Announcement[string]{ID: benchedID(i * benchedHosts / 10), Zone: "seeds"})
	}
	for h := range s.InZone("seeds") {
		byZone["seeds"][h.ID] = h
	}
	for _, zone := range []struct {
		name  string
		hosts int
	}{{"seeds", 10}, {"zone 7", 2000}, {"zone 77", 0}} {
		b.Run(fmt.Sprint(zone.hosts), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for range s.InZone(zone.name) {
					n++
				}
				if n != zone.hosts {
					b.Fatalf("%d hosts in the zone", n)
				}
			}
		})
	}
	b.Run("10 in a map", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for range byZone["seeds"] {
				n++
			}
			if n != 10 {
				b.Fatal(n)
			}
		}
	})
}

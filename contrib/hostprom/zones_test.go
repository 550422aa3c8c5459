package hostprom_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/hostmgr"
)

// A zone that was lost is there for an hour, without hosts and with its departures. Later only the
// departures of all zones have them.
func TestALostZone(t *testing.T) {
	fake := clockwork.NewFakeClockAt(start)
	r, err := hostmgr.New(hostmgr.Config[string]{Clock: fake})
	require.NoError(t, err)
	for _, id := range []string{"dies", "leaves"} {
		_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Zone: "a", Interval: second})
		require.NoError(t, err)
	}
	require.NoError(t, r.Leave(t.Context(), "leaves", 0))
	c := &hostprom.Collector{Registries: map[string]func() hostmgr.Stats{"hosts": r.Stats}}
	zoneAfter := func(d time.Duration) map[string]float64 {
		fake.Advance(d)
		r.Sweep(t.Context())
		got := values(gather(t, c))
		require.EqualValues(t, 1, got[`departures_all_zones_total{kind="left",registry="hosts"}`])
		require.EqualValues(t, 1, got[`departures_all_zones_total{kind="evicted",registry="hosts"}`])
		maps.DeleteFunc(got, func(name string, _ float64) bool { return !strings.HasSuffix(name, `zone="a"}`) })
		return got
	}
	lost := map[string]float64{
		`hosts{registry="hosts",state="unsuspected",zone="a"}`:         0,
		`hosts{registry="hosts",state="suspect",zone="a"}`:             0,
		`hosts{registry="hosts",state="held",zone="a"}`:                0,
		`departures_total{kind="left",registry="hosts",zone="a"}`:      1,
		`departures_total{kind="evicted",registry="hosts",zone="a"}`:   1,
		`departures_total{kind="replaced",registry="hosts",zone="a"}`:  0,
		`departures_total{kind="forgotten",registry="hosts",zone="a"}`: 0,
	}
	require.Equal(t, lost, zoneAfter(3*second))
	require.Equal(t, lost, zoneAfter(59*time.Minute))
	require.Empty(t, zoneAfter(2*time.Minute))
}

// The limit counts as active if it holds hosts of a single zone.
func TestEvictionLimitOfAZone(t *testing.T) {
	hold := limited(t).Zones[0].Hold
	require.NotZero(t, hold)
	got := values(gather(t, one(hostmgr.Stats{Zones: []zoneFigures{{Name: "a", Hosts: 1}, {Name: "b", Hosts: 1, Hold: hold}}})))
	require.EqualValues(t, 1, got[`eviction_limit_active{registry="hosts"}`])
	got = values(gather(t, one(hostmgr.Stats{})))
	require.Zero(t, got[`eviction_limit_active{registry="hosts"}`])
}

// No name of a zone breaks a scrape.
func TestHostileZones(t *testing.T) {
	got := values(gather(t, one(hostmgr.Stats{Zones: []zoneFigures{
		{Name: "", Hosts: 1},
		{Name: "\"}\n# TYPE {", Hosts: 2},
		{Name: "\xfe", Hosts: 4, Suspects: 2, Held: 1, Departures: departures{1, 10, 100, 1000}},
		{Name: "\xff", Hosts: 8, Suspects: 3, Held: 2, Departures: departures{2, 20, 200, 2000}},
		{Name: "\uFFFD", Hosts: 16, Departures: departures{4, 40, 400, 4000}},
		{Name: strings.Repeat("z", 1024), Hosts: 32},
	}})))
	require.EqualValues(t, 1, got[`hosts{registry="hosts",state="unsuspected",zone=""}`])
	require.EqualValues(t, 2, got[`hosts{registry="hosts",state="unsuspected",zone="\"}\n# TYPE {"}`])
	require.EqualValues(t, 2+5+16, got[`hosts{registry="hosts",state="unsuspected",zone="`+"\uFFFD"+`"}`])
	require.EqualValues(t, 1+1, got[`hosts{registry="hosts",state="suspect",zone="`+"\uFFFD"+`"}`])
	require.EqualValues(t, 1+2, got[`hosts{registry="hosts",state="held",zone="`+"\uFFFD"+`"}`])
	for kind, n := range map[string]float64{"left": 7, "evicted": 70, "replaced": 700, "forgotten": 7000} {
		require.Equal(t, n, got[`departures_total{kind="`+kind+`",registry="hosts",zone="`+"\uFFFD"+`"}`])
	}
	sum := 0.0
	for name, n := range got {
		if strings.HasPrefix(name, "hosts{") {
			sum += n
		}
	}
	require.EqualValues(t, 63, sum)
}

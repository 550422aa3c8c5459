package hostweb_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// loseAZone is a registry of which a zone of 2,000 of 3,000 hosts has been lost 12 s ago, and no
// viewer was there.
func loseAZone(t *testing.T) *site {
	s := newSite(t, hostmgr.Config[string]{})
	for i := range 2000 {
		s.join(fmt.Sprint("fra-", i), "fra1", second)
	}
	for i := range 1000 {
		s.join(fmt.Sprint("ams-", i), "ams1", time.Hour)
	}
	for range 15 {
		s.clock.Advance(second)
		s.Sweep(t.Context())
	}
	require.Equal(t, 1000, s.Len())
	return s
}

func alertsIn(s *site) (texts []string) {
	for _, a := range read[statsAnswer](s.t, s.web, "/api/stats").Alerts {
		texts = append(texts, a.Level+": "+a.Text)
	}
	return texts
}

// The page is opened after the incident. It says what was lost, for 5 minutes, and shows it.
func TestAMassEvictionIsTheFirstThingThatThePageSays(t *testing.T) {
	s := loseAZone(t)
	want := "bad: 2,000 of 3,000 hosts (67 %) were evicted in the last 5 min: 2,000 of 2,000 of zone fra1."
	require.Equal(t, []string{want}, alertsIn(s))
	body := s.get("/").Body.String()
	require.NotContains(t, body, "All is well")
	require.Contains(t, body, `<p class="alert bad">2,000 of 3,000 hosts (67 %) were evicted in the last 5 min: 2,000 of 2,000 of zone fra1. <a href="?zone=fra1#h-zones">Show</a></p>`)
	require.Contains(t, body, `<a href="?zone=fra1#table">fra1</a></th><td class="n">0</td>`)
	require.Contains(t, body, `<p>evicted: silent for 3s, timeout 2s at an interval of 1s</p>`)

	kept := read[struct{ Departures []departureAnswer }](t, s.web, "/api/departures").Departures
	require.Len(t, kept, 200)
	require.Equal(t, "fra1", kept[0].Zone)
	require.True(t, strings.HasPrefix(kept[0].About, "data of fra-"))
	most, evicted := 0, 0
	for _, p := range read[struct{ Points []pointAnswer }](t, s.web, "/api/history").Points {
		most, evicted = max(most, p.Hosts), evicted+p.Evicted
	}
	require.Equal(t, [2]int{3000, 2000}, [2]int{most, evicted})

	for range 4*60 + 40 {
		s.clock.Advance(second)
		s.Sweep(t.Context())
		require.Equal(t, []string{want}, alertsIn(s))
	}
	s.clock.Advance(time.Minute)
	require.Empty(t, alertsIn(s))
	require.Contains(t, s.get("/").Body.String(), ">fra1</a>", "for an hour")
	s.clock.Advance(time.Hour)
	require.NotContains(t, s.get("/").Body.String(), ">fra1</a>")
}

func TestNoHostIsLeft(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for i := range 30 {
		s.join(fmt.Sprint(i), fmt.Sprint("z", i%6), second)
	}
	s.Sweep(t.Context())
	s.clock.Advance(3 * second)
	s.Sweep(t.Context())
	require.Equal(t, []string{
		"bad: No host is registered: 30 were, all evicted in the last 5 min: " +
			"5 of 5 of zone z0, 5 of 5 of zone z1, 5 of 5 of zone z2, and hosts of 3 more zones.",
	}, alertsIn(s))
	s.clock.Advance(time.Hour)
	require.Equal(t, []string{
		"warn: No host is registered. Since the start 30 hosts joined, 0 left, and the registry evicted 30, " +
			"the last one on 2026-01-02 at 03:04:08 UTC.",
	}, alertsIn(s))
}

// One zone of many was lost: that is little of all hosts.
func TestOneZoneOfMany(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for i := range 1000 {
		interval := time.Hour
		if i%50 == 7 {
			interval = second
		}
		s.join(fmt.Sprint(i), fmt.Sprint("z", i%50), interval)
	}
	s.clock.Advance(3 * second)
	s.Sweep(t.Context())
	require.Equal(t, []string{"bad: 20 of 20 hosts of zone z7 (100 %) were evicted in the last 5 min."}, alertsIn(s))
}

// A few hosts of many come and go as usual.
func TestUsualEvictionsAreNoAlert(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for i := range 1000 {
		interval := time.Hour
		if i < 20 {
			interval = second
		}
		s.join(fmt.Sprint(i), fmt.Sprint("z", i%2), interval)
	}
	s.clock.Advance(3 * second)
	s.Sweep(t.Context())
	require.Empty(t, alertsIn(s))
}

func TestDeparturesAreSearchedAndExported(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for i, id := range []string{"=HYPERLINK(1)", "b\nc", "plain"} {
		s.join(id, fmt.Sprint("Zone", i), second)
	}
	s.clock.Advance(2500 * time.Millisecond)
	s.Sweep(t.Context())
	s.join("left", "", second)
	require.NoError(t, s.Leave(t.Context(), "left", 0))

	count := func(query string) int {
		return len(read[struct{ Departures []departureAnswer }](t, s.web, "/api/departures?"+query).Departures)
	}
	require.Equal(t, 4, count(""))
	require.Equal(t, 1, count("kind=left"))
	require.Equal(t, 1, count("zone=Zone1"))
	require.Equal(t, 1, count("search=zone2"), "without regard to case")
	require.Equal(t, 1, count("search=DATA+OF+PLAIN"))
	require.Equal(t, 3, count("search=timeout+2s&kind=evicted"))

	table, err := csv.NewReader(s.get("/api/departures?format=csv").Body).ReadAll()
	require.NoError(t, err)
	require.Len(t, table, 5)
	require.Equal(t, []string{"at", "id", "kind", "zone", "metadata"}, table[0][:5])
	require.Equal(t, []string{"2026-01-02T03:04:07.500000006Z", "left", "left", "", "data of left"}, table[1][:5])
	all := s.get("/api/departures?format=csv").Body.String()
	require.Contains(t, all, ",'=HYPERLINK(1),", "it is no formula")
	require.Contains(t, all, ",2.5,2,1,0,0,,", "exact figures")
	text := s.get("/api/departures?format=text").Body.String()
	require.Equal(t, 4, strings.Count(text, "\n"))
	require.Contains(t, text, "2026-01-02T03:04:07.500Z  plain  Zone2  data of plain  evicted: silent for 2.5s, timeout 2s at an interval of 1s\n")
	for _, query := range []string{"kind=dead", "format=xml", "limit=1", "kind=left&kind=left", "search=%zz"} {
		require.Equal(t, http.StatusBadRequest, s.get("/api/departures?"+query).Code, query)
	}
}

// A viewer that comes later gets the past, and then each departure once.
func TestALaterViewerGetsThePast(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		for i := range 3 {
			join(t, r, fmt.Sprint(i))
			require.NoError(t, r.Leave(t.Context(), fmt.Sprint(i), 0))
		}
		time.Sleep(5 * second)
		v := view(t, h)
		defer v.close()
		u := v.next()
		require.Greater(t, len(u.Points), 4)
		var ids []string
		for len(ids) < 3 {
			for _, d := range u.Departures {
				ids = append(ids, d.ID)
			}
			u = v.next()
		}
		join(t, r, "now")
		require.NoError(t, r.Leave(t.Context(), "now", 0))
		ids = append(ids, v.departure().ID)
		require.Equal(t, []string{"0", "1", "2", "now"}, ids)
		time.Sleep(2 * second)
		require.Empty(t, v.next().Departures)
	})
}

func TestAllOfOneHost(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.4, MaxHold: time.Minute}})
	s.join("a", "z", second)
	require.NoError(t, s.Leave(t.Context(), "a", 0))
	for _, id := range []string{"a", "b", "c"} {
		s.join(id, "z", second)
	}
	s.clock.Advance(3 * second)
	s.Sweep(t.Context())
	got := read[struct {
		ID         string
		Host       *hostAnswer
		Departures []departureAnswer
		Facts      []struct{ Name, Text string }
	}](t, s.web, "/api/host?id=a")
	require.Equal(t, "offline", got.Host.State)
	require.Len(t, got.Departures, 1)
	facts := fmt.Sprint(got.Facts)
	for _, want := range []string{
		"{State offline}", "{Zone z}", "{Last contact 2026-01-02T03:04:05.000000006Z, 3.0 s ago}", "{Interval 1 s}",
		"{Evict at 2026-01-02T03:04:07.000000006Z, 1.0 s ago}", "{Held eviction limit: 3 of 3 hosts of zone \"z\" are missing}",
		"{Held until at the latest 2026-01-02T03:05:08.000000006Z, in 1 min}", "{Metadata data of a}",
	} {
		require.Contains(t, facts, want)
	}
	require.Contains(t, s.get("/?host=a").Body.String(), "<dt>Held until at the latest</dt><dd>2026-01-02T03:05:08.000000006Z, in 1 min</dd>")
	require.Contains(t, s.get("/?host=none").Body.String(), `<p id="host-gone" class="note">`)
	require.Contains(t, s.get("/api/host?id=none").Body.String(), `"host":null`)
	for _, query := range []string{"", "id=", "id=a&x=1", "id=a&id=b", "id=" + strings.Repeat("x", 1025)} {
		require.Equal(t, http.StatusBadRequest, s.get("/api/host?"+query).Code, query)
	}
}

func TestSearchInZonesAndMetadata(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for i := range 3000 {
		s.join(fmt.Sprint("Host-", i), fmt.Sprint("Zone-", i%3), time.Hour)
	}
	s.web.Describe = func(m string) string { return "address 10.0.0." + strings.TrimPrefix(m, "data of Host-") + " UP" }
	matched := func(query string) int {
		s.clock.Advance(second)
		return read[hostsAnswer](t, s.web, "/api/hosts?"+query).Matched
	}
	require.Equal(t, 1, matched("search=host-2999"))
	require.Equal(t, 1000, matched("search=ZONE-1"))
	require.Equal(t, 1, matched("search=0.0.2999"))
	require.Equal(t, 1000, matched("search=up&zone=Zone-2"))
	require.Equal(t, 0, matched("search=down"))
	require.Equal(t, 3000, matched("state=alive,held"))
	require.Equal(t, 0, matched("state=suspect,offline,held"))
	require.Equal(t, http.StatusBadRequest, s.get("/api/hosts?state=alive,dead").Code)
}

// A search ends although Describe hangs, and says how many hosts it has not searched.
func TestSearchWithADescribeThatHangs(t *testing.T) {
	free := make(chan struct{})
	defer close(free)
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		h.Describe = func(string) string { time.Sleep(time.Hour); return "" }
		for i := range 2000 {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: fmt.Sprint(i), Interval: time.Hour})
			require.NoError(t, err)
		}
		begun := time.Now()
		got := read[struct{ Matched, Unsearched int }](t, h, "/api/hosts?search=199")
		require.Equal(t, 12, got.Matched)
		require.Equal(t, 1988, got.Unsearched)
		require.LessOrEqual(t, time.Since(begun), 5*second)
		time.Sleep(2 * time.Hour)
	})
}

// A duration reads as a person would say it, and never as shorter than it is.
func TestDurationsReadWell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		10 * time.Millisecond: "10 ms", 999_600 * time.Microsecond: "1 s", 12_345 * time.Microsecond: "12.4 ms",
		10_000_081 * time.Microsecond: "10.01 s", 59_999 * time.Millisecond: "1 min", 90 * second: "1 min 30 s",
		59*time.Minute + 59*second + 1: "1 h", 90 * time.Minute: "1 h 30 min", 49 * time.Hour: "2 d 1 h",
	} {
		s := newSite(t, hostmgr.Config[string]{StallThreshold: d})
		require.Contains(t, s.get("/").Body.String(), "<li><b>stall threshold</b> "+want+"</li>")
	}
}

func TestSettings(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{
		Policy: hostmgr.Tiered{}, Shadow: hostmgr.PhiAccrual{Threshold: 8}, MaxHosts: 70_000, StallThreshold: -1,
		EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.25, PerSecond: 5, MaxHold: time.Minute},
		Pacing:        hostmgr.Pacing{Min: second, Max: time.Minute, PerSecond: 100},
		Confirm:       func(_ context.Context, h []hostmgr.Host[string]) ([]hostmgr.Host[string], error) { return h, nil },
	})
	s.web.Replica, s.web.Version = "scheduler-7", "v1.2.3"
	got := read[struct {
		Replica  string
		Began    time.Time
		Settings []struct{ Name, Text string }
	}](t, s.web, "/api/stats")
	require.Equal(t, "scheduler-7", got.Replica)
	require.Equal(t, s.clock.Now().UTC(), got.Began)
	require.Equal(t, "[{policy Tiered, suspect 30 s and evicted 5 min overdue} {second policy PhiAccrual(8)} "+
		"{eviction limit 5 evictions a second while more than 25 % are missing, hosts held for at most 1 min} {Confirm on} "+
		"{stall threshold off} {most hosts 70,000} {pacing 1 s to 1 min, 100 contacts a second} {share off} {version v1.2.3}]", fmt.Sprint(got.Settings))
	got.Settings = nil
	plain := newSite(t, hostmgr.Config[string]{})
	require.Contains(t, plain.get("/").Body.String(), "<li><b>policy</b> Fixed(2)</li>")
}

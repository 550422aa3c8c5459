package hostweb_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// populate makes n hosts join. Some of them fall silent, so that all states occur.
func populate(s *site, n int) {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	zones := []string{"", "a", "b", "ä\xff"}
	for i := range n {
		s.join(fmt.Sprintf("host-%d-%x", random.IntN(1000), i), zones[random.IntN(len(zones))],
			time.Duration(1+random.IntN(3))*second)
		if i%max(1, n/20) == 0 {
			s.clock.Advance(300 * time.Millisecond)
		}
	}
}

// A lenient policy never evicts hosts of three seconds.
type lenient struct{ hostmgr.Fixed }

func (l lenient) Timeouts(p hostmgr.History) (suspect, evict time.Duration) {
	suspect, evict = l.Fixed.Timeouts(p)
	if p.Interval == 3*second {
		evict = 0
	}
	return suspect, evict
}

// A model is a naive implementation of the table.
type model []hostmgr.Host[string]

func (m model) ask(q url.Values) (ids []string, matched int) {
	var found model
	for _, h := range m {
		state := q.Get("state")
		if (state == "" || state == h.State.String() || state == "held" && h.Hold != hostmgr.HoldReason{}) &&
			(q.Get("zone") == "" || q.Get("zone") == h.Zone) && strings.Contains(h.ID, q.Get("search")) {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(a, b hostmgr.Host[string]) int { return strings.Compare(a.ID, b.ID) })
	slices.SortStableFunc(found, func(a, b hostmgr.Host[string]) int {
		if q.Get("order") == "desc" {
			a, b = b, a
		}
		return strings.Compare(column(q.Get("sort"), a), column(q.Get("sort"), b))
	})
	if q.Get("sort") == "id" && q.Get("order") == "desc" {
		slices.SortFunc(found, func(a, b hostmgr.Host[string]) int { return strings.Compare(b.ID, a.ID) })
	}
	for _, h := range found {
		ids = append(ids, h.ID)
	}
	return ids, len(found)
}

// column returns a text that sorts like the host.
func column(sort string, h hostmgr.Host[string]) string {
	at := func(t time.Time) string { return fmt.Sprintf("%020d", t.UnixNano()) }
	switch sort {
	case "zone":
		return h.Zone
	case "state":
		return map[string]string{"alive": "0", "late": "0", "suspect": "1", "offline": "2"}[h.State.String()]
	case "contact":
		return at(h.LastContact)
	case "evict":
		if h.EvictAt.IsZero() {
			return "z"
		}
		return at(h.EvictAt)
	case "joined":
		return at(h.Joined)
	}
	return ""
}

func TestTableMatchesTheModel(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{Policy: lenient{2}, EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1}})
	populate(s, 500)
	s.Sweep(t.Context())
	m := model(slices.Collect(s.All()))
	for _, state := range []string{"alive", "late", "suspect", "offline", "held"} {
		_, n := m.ask(url.Values{"state": {state}})
		require.Positive(t, n, "no host is %s: the test tests nothing", state)
	}
	for _, sort := range []string{"id", "zone", "state", "contact", "evict", "joined"} {
		for _, order := range []string{"asc", "desc"} {
			for _, filter := range []string{"", "state=suspect", "state=held&zone=a", "zone=%C3%A4%FF", "search=-7&state=alive", "search=nothing"} {
				q, err := url.ParseQuery(filter)
				require.NoError(t, err)
				q.Set("sort", sort)
				q.Set("order", order)
				compareWith(t, s, m, q)
			}
		}
	}
}

// compareWith reads all pages of the table.
func compareWith(t *testing.T, s *site, m model, q url.Values) {
	t.Helper()
	want, matched := m.ask(q)
	q.Set("size", "7")
	for page, from := 1, 0; page == 1 || from < len(want); page, from = page+1, from+7 {
		q.Set("page", fmt.Sprint(page))
		got := read[hostsAnswer](t, s.web, "/api/hosts?"+q.Encode())
		require.Equal(t, matched, got.Matched, q)
		require.Equal(t, len(m), got.Total)
		require.Equal(t, max(1, (matched+6)/7), got.Pages)
		require.Equal(t, page, got.Page)
		require.Equal(t, want[from:min(from+7, len(want))], append([]string(nil), names(got)...), q)
	}
}

func names(a hostsAnswer) (ids []string) {
	for _, h := range a.Hosts {
		ids = append(ids, h.ID)
	}
	return ids
}

func TestTableCountsAllHosts(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1}})
	populate(s, 300)
	s.Sweep(t.Context())
	want, zones := map[string]int{"held": 0}, map[string]int{}
	for h := range s.All() {
		want[h.State.String()]++
		zones[strings.ToValidUTF8(h.Zone, "\ufffd")]++
		if h.Hold != (hostmgr.HoldReason{}) {
			want["held"]++
		}
	}
	got := read[hostsAnswer](t, s.web, "/api/hosts?search=nothing")
	require.Equal(t, want, got.Counts)
	require.Len(t, got.Zones, len(zones))
	for _, z := range got.Zones {
		n := z["alive"].(float64) + z["late"].(float64) + z["suspect"].(float64) + z["offline"].(float64)
		require.EqualValues(t, zones[z["name"].(string)], n)
	}
	require.True(t, slices.IsSortedFunc(got.Zones, func(a, b map[string]any) int {
		return cmp.Compare(a["name"].(string), b["name"].(string))
	}))
}

// States follow the clock, not the sweeps. By default the worst state comes first.
func TestTableShowsTheClock(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	s.join("silent", "", second)
	s.clock.Advance(1)
	for i := range 9 {
		s.join(fmt.Sprint("a", i), "", time.Minute)
	}
	silent, _ := s.Get("silent")
	for i, want := range []struct {
		silence time.Duration
		state   string
	}{{second, "alive"}, {second + 1, "late"}, {1500*time.Millisecond + 1, "suspect"}, {2*second + 1, "offline"}} {
		s.clock.Advance(want.silence - s.clock.Since(silent.LastContact))
		got := read[hostsAnswer](t, s.web, fmt.Sprint("/api/hosts?search=silent&size=", i+1))
		require.Equal(t, want.state, got.Hosts[0].State)
	}
	require.Equal(t, "silent", read[hostsAnswer](t, s.web, "/api/hosts").Hosts[0].ID)
	s.Sweep(t.Context())
	s.clock.Advance(second)
	require.Equal(t, 9, read[hostsAnswer](t, s.web, "/api/hosts").Total)
}

func TestTableOfOneHundredThousand(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for i := range 100_000 {
		s.join(fmt.Sprintf("%06d", 99_999-i), "", second)
	}
	var all []string
	for page := 1; page <= 500; page += 71 {
		got := read[hostsAnswer](t, s.web, fmt.Sprintf("/api/hosts?sort=id&size=200&page=%d", page))
		require.Equal(t, 100_000, got.Matched)
		require.Equal(t, 500, got.Pages)
		all = append(all, names(got)...)
	}
	for i, id := range all {
		require.Equal(t, fmt.Sprintf("%06d", i/200*71*200+i%200), id)
	}
	require.Equal(t, http.StatusBadRequest, s.get("/api/hosts?sort=id&size=200&page=501").Code)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	last := read[hostsAnswer](t, s.web, "/api/hosts?sort=id&order=desc&size=1")
	runtime.ReadMemStats(&after)
	require.Equal(t, []string{"099999"}, names(last))
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10<<20), "a page does not copy all hosts")
}

// A page number above the last page shows the last page: hosts departed in between.
func TestTableThatShrinks(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	populate(s, 25)
	got := read[hostsAnswer](t, s.web, "/api/hosts?page=9&size=10&sort=id")
	require.Equal(t, 3, got.Page)
	require.Len(t, got.Hosts, 5)
}

func TestTableShowsAllOfAHost(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5}})
	now := s.clock.Now()
	s.join("b", "z", second)
	s.join("a", "z", second)
	s.clock.Advance(3 * second)
	s.Sweep(t.Context())
	got := read[hostsAnswer](t, s.web, "/api/hosts").Hosts[0]
	want, _ := s.Get("a")
	require.Equal(t, hostAnswer{
		ID: "a", State: "offline", Zone: "z", Hold: want.Hold.String(), About: "data of a", Registration: want.Registration, Interval: 1,
		Incarnation: fmt.Sprint(want.Incarnation), Joined: &now, LastContact: &now,
		SuspectAt: ptr(now.Add(1500 * time.Millisecond)), EvictAt: ptr(now.Add(2 * second)),
	}, got)
	require.NotEmpty(t, got.Hold)
}

func ptr[T any](v T) *T { return &v }

package hostweb_test

import (
	"fmt"
	"html"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

type shadowAnswer struct {
	Advised float64
	Shadow  struct {
		Evicted, Returned, Later, Spared int
		Detection                        map[string]float64
		Latest                           []struct {
			ID                string
			EvictAt, Returned time.Time
		}
	}
	Comparison *struct {
		Text  string
		Lines []struct{ What, Hint, Policy, Shadow string }
	}
}

// lines are those of the comparison.
func (a shadowAnswer) lines() (list []string) {
	for _, l := range a.Comparison.Lines {
		list = append(list, fmt.Sprintf("%s: %s %s", l.What, l.Policy, l.Shadow))
	}
	return list
}

// pause has a host announce itself, be silent for some seconds, each of which has a sweep, and
// announce itself and leave.
func (s *site) pause(id string, seconds int) {
	s.join(id, "", second)
	for range seconds {
		s.clock.Advance(second)
		s.Sweep(s.t.Context())
	}
	s.join(id, "", second)
	require.NoError(s.t, s.Leave(s.t.Context(), id, 0))
}

func TestShadowThatIsStricter(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(4), Shadow: hostmgr.Multiple(2)})
	s.pause("a", 3)
	s.pause("b", 4)
	s.pause("c", 5)
	s.join("dead", "", second)
	s.clock.Advance(5 * second)
	s.Sweep(t.Context())

	got := read[shadowAnswer](t, s.web, "/api/stats")
	require.Equal(t, []string{
		"Evicted: 2 4",
		"Of them came back: 1 3", // c, which both evict, is in neither count of the shadow's own
		"Silence until eviction, p50: 5 s 2.001 s",
		"Silence until eviction, p99: 5 s 2.001 s",
	}, got.lines())
	require.Equal(t, "2 times a host was heard of again that the policy kept and the shadow would have evicted.", got.Comparison.Text)
	require.Equal(t, [4]int{4, 2, 0, 0}, [4]int{got.Shadow.Evicted, got.Shadow.Returned, got.Shadow.Later, got.Shadow.Spared})
	require.EqualValues(t, 4, got.Shadow.Detection["count"])
	require.Len(t, got.Shadow.Latest, 2)
	require.Equal(t, "a", got.Shadow.Latest[0].ID)
	require.WithinDuration(t, s.clock.Now().Add(-15*second), got.Shadow.Latest[0].EvictAt, time.Millisecond)
	require.WithinDuration(t, s.clock.Now().Add(-14*second), got.Shadow.Latest[0].Returned, 0)
}

func TestShadowThatIsMorePatient(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(2), Shadow: hostmgr.Multiple(9)})
	s.pause("a", 3)
	s.pause("b", 4)
	s.pause("c", 20) // too long for either
	got := read[shadowAnswer](t, s.web, "/api/stats")
	require.Equal(t, []string{
		"Evicted: 3 1",
		"Of them came back: 3 1",
		"Silence until eviction, p50: 3 s –",
		"Silence until eviction, p99: 3 s –",
	}, got.lines())
	require.Equal(t, "No host was heard of again that the policy kept and the shadow would have evicted. "+
		"The shadow still had patience when the policy evicted 3 hosts. "+
		"Of 2 hosts that came back in time it would have kept the metadata.", got.Comparison.Text)
	require.Contains(t, s.get("/").Body.String(), `<p id="not-rash" class="note">`)
}

// A shadow that is as strict as the policy is as wrong, though what it alone would have done is
// nothing.
func TestShadowThatIsThePolicy(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(2), Shadow: hostmgr.Multiple(2)})
	s.pause("a", 3)
	got := read[shadowAnswer](t, s.web, "/api/stats")
	require.Equal(t, []string{"Evicted: 1 1", "Of them came back: 1 1"}, got.lines()[:2])
}

// One that comes back with a longer interval counts as spared though both had evicted it: that
// makes no figure negative.
func TestSparedWithoutBeingLater(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(2), Shadow: hostmgr.Multiple(3)})
	s.join("a", "", second)
	s.clock.Advance(10 * second)
	s.Sweep(t.Context())
	s.join("a", "", time.Minute)
	got := read[shadowAnswer](t, s.web, "/api/stats")
	require.Equal(t, [2]int{0, 1}, [2]int{got.Shadow.Later, got.Shadow.Spared})
	require.Equal(t, []string{"Evicted: 1 1", "Of them came back: 1 0"}, got.lines()[:2])
}

func TestNothingOfAShadowUntilItHasSomethingToSay(t *testing.T) {
	for _, shadow := range []hostmgr.Policy{nil, hostmgr.Multiple(3)} {
		s := newSite(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(3), Shadow: shadow})
		s.pause("a", 2)
		require.Nil(t, read[shadowAnswer](t, s.web, "/api/stats").Comparison)
		require.Contains(t, s.get("/").Body.String(), `<div class="pair" id="shadow" hidden>`)
	}
}

// What the page has before its script takes over: what api/stats has, the latest first.
func TestFirstPageShowsTheShadow(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(4), Shadow: hostmgr.Multiple(2)})
	hostile := `"><script>alert(1)</script>`
	s.pause("first", 3)
	s.pause(hostile, 3)
	s.clock.Advance(time.Minute)
	body := s.get("/").Body.String()
	require.Contains(t, body, `<div class="pair" id="shadow">`)
	require.Contains(t, body, `<p id="not-rash" class="note" hidden>`)
	require.NotContains(t, body, "<script>alert")
	got := read[shadowAnswer](t, s.web, "/api/stats")
	require.Contains(t, body, `<p id="shadow-text" class="note">`+got.Comparison.Text+`</p>`)
	for _, l := range got.Comparison.Lines {
		require.NotEmpty(t, l.Hint)
		require.Contains(t, body, fmt.Sprintf(`<th scope="row" title="%s">%s</th><td class="n">%s</td><td class="n">%s</td>`, l.Hint, l.What, l.Policy, l.Shadow))
	}
	table := regexp.MustCompile(`(?s)<table id="rash">.*?</table>`).FindString(body)
	rows := regexp.MustCompile(`<th scope="row">(.*?)</th><td class="n" title="(.*?)">(.*?)</td><td class="n" title="(.*?)">(.*?)</td>`).FindAllStringSubmatch(table, -1)
	require.Len(t, rows, 2)
	for i, row := range rows {
		want := got.Shadow.Latest[1-i]
		require.Equal(t, want.ID, html.UnescapeString(row[1]))
		require.Equal(t, want.EvictAt.Format(time.RFC3339Nano), html.UnescapeString(row[2]))
		require.Equal(t, want.Returned.Format(time.RFC3339Nano), html.UnescapeString(row[4]))
	}
	require.Equal(t, hostile, html.UnescapeString(rows[0][1]))
	require.Equal(t, []string{"1 min 1 s ago", "1 min ago"}, []string{rows[0][3], rows[0][5]})
}

func TestAdvisedInterval(t *testing.T) {
	const tile = `><dt title="The interval that the cadence tells hosts, by how many they are">Advised interval</dt><dd id="advised">`
	s := newSite(t, hostmgr.Config[string]{Cadence: hostmgr.Cadence{Min: 90 * second, PerSecond: 1}})
	require.Contains(t, s.get("/").Body.String(), `<div`+tile+"1 min 30 s</dd>")
	require.EqualValues(t, 90, read[shadowAnswer](t, s.web, "/api/stats").Advised)
	s = newSite(t, hostmgr.Config[string]{})
	require.Contains(t, s.get("/").Body.String(), `<div hidden`+tile)
	require.Zero(t, read[shadowAnswer](t, s.web, "/api/stats").Advised)
}

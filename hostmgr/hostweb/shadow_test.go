package hostweb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

type shadowAnswer struct {
	AdvisedInterval       float64
	RejoinedAfterEviction int
	Departures            struct{ Evicted int }
	Shadow                struct{ Evictions, Rejoined int }
}

// figures returns the evictions and rejoins of the policy, then those of the second policy.
func (a shadowAnswer) figures() [4]int {
	return [4]int{a.Departures.Evicted, a.RejoinedAfterEviction, a.Shadow.Evictions, a.Shadow.Rejoined}
}

// pause has a host announce itself, stay silent for some seconds with a sweep after each, announce
// itself again and leave.
func (s *site) pause(id string, seconds int) {
	s.join(id, "", second)
	for range seconds {
		s.clock.Advance(second)
		s.Sweep(s.t.Context())
	}
	s.join(id, "", second)
	require.NoError(s.t, s.Leave(s.t.Context(), id, 0))
}

func TestStricterShadow(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(4), Shadow: hostmgr.Fixed(2)})
	s.pause("a", 3)
	s.pause("b", 4)
	s.pause("c", 5)
	s.join("dead", "", second)
	s.clock.Advance(5 * second)
	s.Sweep(t.Context())
	require.Equal(t, [4]int{2, 1, 4, 3}, read[shadowAnswer](t, s.web, "/api/stats").figures())
}

func TestMoreTolerantShadow(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(2), Shadow: hostmgr.Fixed(9)})
	s.pause("a", 3)
	s.pause("b", 4)
	got := read[shadowAnswer](t, s.web, "/api/stats").figures()
	require.Equal(t, [2]int{2, 2}, [2]int(got[:2]))
	require.Zero(t, got[3])
}

func TestNoShadowSectionWithoutEvictions(t *testing.T) {
	for _, shadow := range []hostmgr.Policy{nil, hostmgr.Fixed(3)} {
		s := newSite(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(3), Shadow: shadow})
		s.pause("a", 2)
		require.Contains(t, s.get("/").Body.String(), `<section id="shadow" class="panel" aria-labelledby="h-shadow" hidden>`)
	}
}

// The page that the server makes, before its script runs, has the same figures as api/stats.
func TestFirstPageShowsTheShadow(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(4), Shadow: hostmgr.Fixed(2)})
	s.pause("a", 3)
	s.pause("b", 5)
	require.Equal(t, [4]int{1, 1, 2, 2}, read[shadowAnswer](t, s.web, "/api/stats").figures())
	body := s.get("/").Body.String()
	require.Contains(t, body, `<section id="shadow" class="panel" aria-labelledby="h-shadow">`)
	require.Contains(t, body, `>Evictions</th><td class="n">1</td><td class="n">2</td>`)
	require.Contains(t, body, `>Rejoined</th><td class="n">1</td><td class="n">2</td>`)
}

func TestAdvisedInterval(t *testing.T) {
	const tile = `><dt>Advised interval</dt><dd id="advised">`
	s := newSite(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: 90 * second, PerSecond: 1}})
	require.Contains(t, s.get("/").Body.String(), `<div`+tile+"1 min 30 s</dd>")
	require.EqualValues(t, 90, read[shadowAnswer](t, s.web, "/api/stats").AdvisedInterval)
	s = newSite(t, hostmgr.Config[string]{})
	require.Contains(t, s.get("/").Body.String(), `<div hidden`+tile)
	require.Zero(t, read[shadowAnswer](t, s.web, "/api/stats").AdvisedInterval)
}

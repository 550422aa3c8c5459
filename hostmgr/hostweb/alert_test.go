package hostweb_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

func alertsOf(t *testing.T, s *site) []string {
	t.Helper()
	return alertsNow(t, s.web)
}

// alertsNow returns the alerts of api/stats.
func alertsNow(t testing.TB, h http.Handler) (texts []string) {
	t.Helper()
	for _, n := range read[statsAnswer](t, h, "/api/stats").Alerts {
		texts = append(texts, n.Level+": "+n.Text)
	}
	return texts
}

func TestNoAlertsWhenAllIsWell(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	require.Equal(t, "No host has announced itself.", read[statsAnswer](t, s.web, "/api/stats").Summary)
	s.join("a", "z", second)
	s.join("b", "z", second)
	got := read[statsAnswer](t, s.web, "/api/stats")
	require.Equal(t, "All is well: 2 hosts, none suspect.", got.Summary)
	require.Empty(t, got.Alerts)
	require.Nil(t, got.Cleanup.OldestPending)
	require.Contains(t, s.get("/").Body.String(), `<p class="alert well">All is well: 2 hosts, none suspect.</p>`)
}

// A few evictions are no alert, but all is not well.
func TestTheSummaryNamesEvictions(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	s.join("a", "z", second)
	for _, id := range []string{"b", "c", "d"} {
		s.join(id, "z", time.Hour)
	}
	s.clock.Advance(3 * second)
	s.Sweep(t.Context())
	got := read[statsAnswer](t, s.web, "/api/stats")
	require.Empty(t, got.Alerts)
	require.Equal(t, "3 hosts, none suspect. 1 of 4 evicted in the last 5 min.", got.Summary)
	s.clock.Advance(6 * time.Minute)
	s.Sweep(t.Context())
	require.Equal(t, "All is well: 3 hosts, none suspect.", read[statsAnswer](t, s.web, "/api/stats").Summary)
}

func TestAlertsOfSuspectsAndTheEvictionLimit(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.6}})
	for _, id := range []string{"a", "b", "c"} {
		s.join(id, "z", second)
	}
	for _, id := range []string{"d", "e", "f", "g"} {
		s.join(id, "y", time.Minute)
	}
	s.clock.Advance(1600 * time.Millisecond)
	s.Sweep(t.Context())
	require.Equal(t, []string{"warn: 3 hosts are suspect: silent for longer than expected, not evicted yet."}, alertsOf(t, s))
	require.Equal(t, "7 hosts: 3 suspect, 0 held.", read[statsAnswer](t, s.web, "/api/stats").Summary)
	s.clock.Advance(second)
	s.Sweep(t.Context())
	require.Equal(t, []string{
		`bad: The eviction limit holds hosts of zone "z": 3 of 3 hosts of zone "z" are missing. They are evicted anyway from 03:09:07 UTC on, as far as they stay silent.`,
		"bad: 3 hosts are due for eviction, but held.",
	}, alertsOf(t, s))
}

func TestAlertOfCleanups(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errors.New("no") }})
	s.join("a", "", second)
	require.ErrorIs(t, s.Leave(t.Context(), "a", 0), hostmgr.ErrCleanupPending)
	s.clock.Advance(5 * second)
	const failed = "warn: Cleanups failed 1 time in the last 10 minutes. They are repeated."
	require.Equal(t, []string{failed}, alertsOf(t, s))
	s.clock.Advance(second)
	require.Equal(t, []string{"bad: 1 cleanup is pending, the oldest for 6 s.", failed}, alertsOf(t, s))
}

// An alert lasts for as long as its cause is in the history.
func TestAlertsOfTheHistory(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		v := view(t, h)
		defer func() { v.close() }()
		v.next()
		_, err := r.Announce(hostmgr.Announcement[string]{ID: "stays", Interval: time.Hour})
		require.NoError(t, err)
		join(t, r, "a")
		require.Equal(t, "evicted", v.departure().Kind)
		join(t, r, "a")
		require.NoError(t, r.Leave(t.Context(), "a", 0))
		alerts := func() string {
			for {
				if u := v.next(); u.Stats != nil {
					if len(u.Stats.Alerts) == 0 {
						return ""
					}
					return u.Stats.Alerts[0].Text
				}
			}
		}
		synctest.Wait()
		time.Sleep(2 * second)
		alerts()
		alerts()
		require.Equal(t, "1 host rejoined after eviction: probably alive all the time.", alerts())
		v.close()
		time.Sleep(11 * time.Minute)
		v = view(t, h)
		require.Empty(t, alerts())
	})
}

// The reason has all evidence: the stall, and what held the host.
func TestFullReason(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{StallThreshold: second, EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5, MaxHold: 3 * second}})
	reasons := map[string]departureAnswer{}
	synctest.Test(t, func(t *testing.T) {
		s.web.Clock = nil
		v := view(t, s.web)
		v.next()
		synctest.Wait()
		s.join("a", "", second)
		s.join("b", "", second)
		s.join("old", "", time.Minute)
		_, err := s.Announce(hostmgr.Announcement[string]{ID: "old", Interval: time.Minute, Incarnation: 1 << 63})
		require.NoError(t, err)
		require.NoError(t, s.Forget("old", 0))
		s.Sweep(t.Context())
		s.clock.Advance(5 * second)
		for range 90 {
			s.Sweep(t.Context())
			s.clock.Advance(second / 10)
		}
		synctest.Wait()
		for len(reasons) < 3 {
			for _, d := range v.next().Departures {
				reasons[d.Kind] = d
			}
		}
		v.close()
	})
	require.Equal(t, "replaced: a newer incarnation announced itself", reasons["replaced"].Reason)
	require.Equal(t, "forgotten: removed without cleanup", reasons["forgotten"].Reason)
	require.Regexp(t, `^evicted: silent for \S+s, timeout 2s at an interval of 1s; not counting a stall of 5s; held for 3\S*s: eviction limit: `, reasons["evicted"].Reason)
}

package hostprom_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/gc"
	"github.com/hostlife/hostlife/hostmgr"
)

// departures are hostmgr.Stats.Departures.
type departures = struct{ Left, Evicted, Replaced, Forgotten uint64 }

// zoneFigures is an element of hostmgr.Stats.Zones.
type zoneFigures = struct {
	Name                  string
	Hosts, Suspects, Held int
	Hold                  hostmgr.HoldReason
	HoldUntil             time.Time
	Departures            departures
	Lost                  struct {
		Evicted, Of int
		Last        time.Time
	}
}

func TestLint(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	require.NoError(t, reg.Register(full(t)))
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestOneCollectorForARegisterer(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	require.NoError(t, reg.Register(&hostprom.Collector{}), "an empty one")
	families, err := reg.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
	require.Equal(t, "hostlife_build_info", families[0].GetName())
	require.Error(t, reg.Register(full(t)))
}

// Each field of Stats reaches its own metric: all values differ.
func TestEachFieldOfStats(t *testing.T) {
	s := hostmgr.Stats{
		Hosts: 100, Suspects: 40, Held: 15,
		Zones: []zoneFigures{{Name: "a", Hosts: 70, Suspects: 30, Held: 10}, {Name: "b", Hosts: 30, Suspects: 10, Held: 5}},
		Hold:  limited(t).Hold,
		Joins: 1, RejoinedAfterEviction: 6, Suspected: 7, Recovered: 8, HeldByLimit: 9, HeldByConfirm: 10,
		ConfirmFailures: 13, PolicyErrors: 14, Sweeps: 15, Stalls: 16, StallTime: 1700 * time.Millisecond,
		AdvisedInterval: 42500 * time.Millisecond, Shadow: struct{ Evictions, Rejoined uint64 }{17, 18}, LogLinesLost: 24,
	}
	s.Began = start.Add(125 * time.Millisecond)
	s.Departures.Left, s.Departures.Evicted, s.Departures.Replaced, s.Departures.Forgotten = 2, 3, 4, 5
	s.Zones[0].Departures, s.Zones[1].Departures = departures{51, 52, 53, 54}, departures{61, 62, 63, 64}
	s.Cleanup.Pending, s.Cleanup.OldestPending, s.Cleanup.Failures = 11, start.Add(250*time.Millisecond), 12
	s.Refused, s.Conflicts, s.Overtaken, s.Flapping = 58, 25, 26, slices.Grow(s.Flapping, 2)[:2]
	s.Flapping[0].ID, s.Flapping[0].Evictions = "an id is no label", 7
	s.Confirm.Waiting, s.Confirm.Asked, s.Confirm.OldestAsked = 27, 28, start.Add(500*time.Millisecond)
	s.Confirm.Refused, s.Confirm.Timeouts, s.Confirm.LeftBehind = 29, 30, 31
	s.Cleanup.Running, s.Cleanup.OldestRunning, s.Cleanup.LeftBehind = 32, start.Add(750*time.Millisecond), 33
	s.Cleanup.Timeouts, s.Cleanup.GivenUp, s.Cleanup.AwaitingWhile = 34, 35, 36
	s.Recorder.Records, s.Recorder.Lost, s.Recorder.Failures = 21, 22, 23
	got := values(gather(t, one(s)))
	require.Equal(t, map[string]float64{
		`hosts{registry="hosts",state="unsuspected",zone=""}`:  0,
		`hosts{registry="hosts",state="suspect",zone=""}`:      0,
		`hosts{registry="hosts",state="held",zone=""}`:         0,
		`hosts{registry="hosts",state="unsuspected",zone="a"}`: 40,
		`hosts{registry="hosts",state="suspect",zone="a"}`:     20,
		`hosts{registry="hosts",state="held",zone="a"}`:        10,
		`hosts{registry="hosts",state="unsuspected",zone="b"}`: 20,
		`hosts{registry="hosts",state="suspect",zone="b"}`:     5,
		`hosts{registry="hosts",state="held",zone="b"}`:        5,

		`departures_total{kind="left",registry="hosts",zone=""}`:       0,
		`departures_total{kind="evicted",registry="hosts",zone=""}`:    0,
		`departures_total{kind="replaced",registry="hosts",zone=""}`:   0,
		`departures_total{kind="forgotten",registry="hosts",zone=""}`:  0,
		`departures_total{kind="left",registry="hosts",zone="a"}`:      51,
		`departures_total{kind="evicted",registry="hosts",zone="a"}`:   52,
		`departures_total{kind="replaced",registry="hosts",zone="a"}`:  53,
		`departures_total{kind="forgotten",registry="hosts",zone="a"}`: 54,
		`departures_total{kind="left",registry="hosts",zone="b"}`:      61,
		`departures_total{kind="evicted",registry="hosts",zone="b"}`:   62,
		`departures_total{kind="replaced",registry="hosts",zone="b"}`:  63,
		`departures_total{kind="forgotten",registry="hosts",zone="b"}`: 64,

		`start_timestamp_seconds{registry="hosts"}`:                     1767323045.125,
		`joins_total{registry="hosts"}`:                                 1,
		`departures_all_zones_total{kind="left",registry="hosts"}`:      2,
		`departures_all_zones_total{kind="evicted",registry="hosts"}`:   3,
		`departures_all_zones_total{kind="replaced",registry="hosts"}`:  4,
		`departures_all_zones_total{kind="forgotten",registry="hosts"}`: 5,
		`rejoined_after_eviction_total{registry="hosts"}`:               6,
		`suspected_total{registry="hosts"}`:                             7,
		`recovered_total{registry="hosts"}`:                             8,
		`held_total{by="eviction_limit",registry="hosts"}`:              9,
		`held_total{by="confirm",registry="hosts"}`:                     10,
		`eviction_limit_active{registry="hosts"}`:                       1,
		`cleanup_pending{registry="hosts"}`:                             11,
		`cleanup_oldest_timestamp_seconds{registry="hosts"}`:            1767323045.25,
		`cleanup_failures_total{registry="hosts"}`:                      12,
		`confirm_failures_total{registry="hosts"}`:                      13,
		`policy_errors_total{registry="hosts"}`:                         14,
		`sweeps_total{registry="hosts"}`:                                15,
		`stalls_total{registry="hosts"}`:                                16,
		`stall_seconds_total{registry="hosts"}`:                         1.7,
		`advised_interval_seconds{registry="hosts"}`:                    42.5,
		`shadow_evictions_total{registry="hosts"}`:                      17,
		`shadow_rejoined_total{registry="hosts"}`:                       18,
		`records_total{registry="hosts"}`:                               21,
		`records_lost_total{registry="hosts"}`:                          22,
		`recorder_failures_total{registry="hosts"}`:                     23,
		`log_lines_lost_total{registry="hosts"}`:                        24,

		`conflicts_total{registry="hosts"}`:                         25,
		`refused_total{registry="hosts"}`:                           58,
		`overtaken_total{registry="hosts"}`:                         26,
		`flapping_hosts{registry="hosts"}`:                          2,
		`flapping_worst_evictions{registry="hosts"}`:                7,
		`confirm_waiting{registry="hosts"}`:                         27,
		`confirm_asked{registry="hosts"}`:                           28,
		`confirm_asked_since_timestamp_seconds{registry="hosts"}`:   1767323045.5,
		`confirm_refused_total{registry="hosts"}`:                   29,
		`confirm_timeouts_total{registry="hosts"}`:                  30,
		`confirm_left_behind{registry="hosts"}`:                     31,
		`cleanup_running{registry="hosts"}`:                         32,
		`cleanup_running_since_timestamp_seconds{registry="hosts"}`: 1767323045.75,
		`cleanup_left_behind{registry="hosts"}`:                     33,
		`cleanup_timeouts_total{registry="hosts"}`:                  34,
		`cleanup_given_up_total{registry="hosts"}`:                  35,
		`cleanup_awaiting_while{registry="hosts"}`:                  36,
	}, got)
}

// A real registry on a fake clock.
func TestAScriptedRegistry(t *testing.T) {
	fake := clockwork.NewFakeClockAt(start)
	stubborn := true
	r, err := hostmgr.New(hostmgr.Config[string]{
		Clock: fake,
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if d.Host.ID == "stubborn" && stubborn {
				return errors.New("not now")
			}
			return nil
		},
	})
	require.NoError(t, err)
	join := func(id, zone string) {
		_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Zone: zone, Interval: second})
		require.NoError(t, err)
	}
	c := &hostprom.Collector{Registries: map[string]func() hostmgr.Stats{"hosts": r.Stats}}
	for _, id := range []string{"dies", "left", "forgotten", "stubborn"} {
		join(id, "a")
	}
	require.NoError(t, r.Leave(t.Context(), "left", 0))
	require.NoError(t, r.Forget("forgotten", 0))
	require.ErrorIs(t, r.Leave(t.Context(), "stubborn", 0), hostmgr.ErrCleanupPending)
	got := values(gather(t, c))
	require.EqualValues(t, 1, got[`cleanup_pending{registry="hosts"}`])
	require.EqualValues(t, 1767323045, got[`cleanup_oldest_timestamp_seconds{registry="hosts"}`])

	stubborn = false
	fake.Advance(1600 * time.Millisecond)
	r.Sweep(t.Context())
	got = values(gather(t, c))
	require.EqualValues(t, 1, got[`hosts{registry="hosts",state="suspect",zone="a"}`])
	require.Zero(t, got[`hosts{registry="hosts",state="unsuspected",zone="a"}`])
	require.Zero(t, got[`cleanup_oldest_timestamp_seconds{registry="hosts"}`])

	fake.Advance(900 * time.Millisecond)
	r.Sweep(t.Context())
	join("dies", "b")
	families := gather(t, c)
	got = values(families)
	for name, want := range map[string]float64{
		"joins_total{": 5,
		`departures_all_zones_total{kind="left",`:      2,
		`departures_all_zones_total{kind="evicted",`:   1,
		`departures_all_zones_total{kind="forgotten",`: 1,
		`departures_all_zones_total{kind="replaced",`:  0,
		"rejoined_after_eviction_total{":               1,
		"suspected_total{":                             1,
		"cleanup_failures_total{":                      1,
		"cleanup_pending{":                             0,
		"eviction_limit_active{":                       0,
		"sweeps_total{":                                2,
	} {
		require.Equal(t, want, got[name+`registry="hosts"}`], name)
	}
	require.EqualValues(t, 1, got[`hosts{registry="hosts",state="unsuspected",zone="b"}`])
	require.EqualValues(t, 1, got[`departures_total{kind="evicted",registry="hosts",zone="a"}`])
	require.Zero(t, got[`departures_total{kind="evicted",registry="hosts",zone="b"}`])
	shapes := histograms(families)
	require.Equal(t, 2.5, shapes[`detection_seconds{registry="hosts"}`].GetSampleSum())
	require.Equal(t, 1.6, shapes[`cleanup_seconds{kind="left",registry="hosts"}`].GetSampleSum())
	require.EqualValues(t, 2, shapes[`cleanup_seconds{kind="left",registry="hosts"}`].GetSampleCount())
	require.Equal(t, 0.5, shapes[`cleanup_seconds{kind="evicted",registry="hosts"}`].GetSampleSum())
}

func TestTwoRegistries(t *testing.T) {
	got := values(gather(t, &hostprom.Collector{Registries: map[string]func() hostmgr.Stats{
		"peers": func() hostmgr.Stats { return hostmgr.Stats{Joins: 1} },
		"seeds": func() hostmgr.Stats { return hostmgr.Stats{Joins: 2} },
	}}))
	require.EqualValues(t, 1, got[`joins_total{registry="peers"}`])
	require.EqualValues(t, 2, got[`joins_total{registry="seeds"}`])
}

func TestNamesThatAreNotUTF8(t *testing.T) {
	g, err := gc.New(gc.Config{})
	require.NoError(t, err)
	require.NoError(t, g.Add(task("t\xff", nil)))
	got := values(gather(t, &hostprom.Collector{
		Registries: map[string]func() hostmgr.Stats{"r\xff": func() hostmgr.Stats { return hostmgr.Stats{Joins: 1} }},
		GCs:        map[string]*gc.GC{"g\xff": g},
	}))
	require.EqualValues(t, 1, got["joins_total{registry=\"r\uFFFD\"}"])
	require.Contains(t, got, "gc_task_timeouts_total{gc=\"g\uFFFD\",task=\"t\uFFFD\"}")
}

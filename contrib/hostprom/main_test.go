package hostprom_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/gc"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const second = time.Second

// start is when the fake clocks of the tests start: 1,767,323,045 s of Unix time.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// one returns a Collector of a registry with these Stats.
func one(s hostmgr.Stats) *hostprom.Collector {
	return &hostprom.Collector{Registries: map[string]func() hostmgr.Stats{
		"hosts": func() hostmgr.Stats { return s },
	}}
}

// limited returns the Stats of a registry whose eviction limit holds all hosts.
func limited(t testing.TB) hostmgr.Stats {
	t.Helper()
	clock := clockwork.NewFakeClockAt(start)
	r, err := hostmgr.New(hostmgr.Config[string]{Clock: clock, EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5}})
	require.NoError(t, err)
	for _, id := range []string{"a", "b"} {
		_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Zone: "z", Interval: second})
		require.NoError(t, err)
	}
	clock.Advance(3 * second)
	r.Sweep(t.Context())
	return r.Stats()
}

// full returns a Collector that exposes every metric.
func full(t testing.TB) *hostprom.Collector {
	t.Helper()
	r, err := hostmgr.New(hostmgr.Config[string]{Clock: clockwork.NewFakeClockAt(start)})
	require.NoError(t, err)
	g, err := gc.New(gc.Config{Clock: clockwork.NewFakeClockAt(start)})
	require.NoError(t, err)
	require.NoError(t, g.Add(task("expire", nil)))
	m, err := share.New(share.Config[string]{Registry: r, Store: share.Memory()})
	require.NoError(t, err)
	return &hostprom.Collector{
		Registries: map[string]func() hostmgr.Stats{"hosts": r.Stats},
		Members:    map[string]func() share.Stats{"hosts": m.Stats},
		GCs:        map[string]*gc.GC{"main": g},
	}
}

// gather scrapes c through a registry that checks the metrics.
func gather(t testing.TB, c *hostprom.Collector) []*dto.MetricFamily {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	require.NoError(t, reg.Register(c))
	families, err := reg.Gather()
	require.NoError(t, err)
	return families
}

// values returns the counters and gauges by their name in the text format, name{label="value"}. It
// leaves out the build, which is that of the test.
func values(families []*dto.MetricFamily) map[string]float64 {
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			if m.Histogram == nil && f.GetName() != "hostlife_build_info" {
				all[series(f, m)] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return all
}

// histograms returns the histograms by their name in the text format.
func histograms(families []*dto.MetricFamily) map[string]*dto.Histogram {
	all := map[string]*dto.Histogram{}
	for _, f := range families {
		for _, m := range f.Metric {
			if m.Histogram != nil {
				all[series(f, m)] = m.Histogram
			}
		}
	}
	return all
}

func series(f *dto.MetricFamily, m *dto.Metric) string {
	var labels []string
	for _, l := range m.Label {
		labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	return strings.TrimPrefix(f.GetName(), "hostlife_") + "{" + strings.Join(labels, ",") + "}"
}

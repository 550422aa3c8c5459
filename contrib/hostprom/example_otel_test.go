package hostprom_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/hostmgr"
)

// The metrics reach OpenTelemetry through its Prometheus bridge. A service uses a PeriodicReader
// with an exporter instead of a ManualReader.
func ExampleCollector_openTelemetry() {
	fake := clockwork.NewFakeClock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: fake})
	reg := prometheus.NewRegistry()
	reg.MustRegister(&hostprom.Collector{
		Registries: map[string]func() hostmgr.Stats{"hosts": hosts.Stats},
	})
	reader := metric.NewManualReader(metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(reg))))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	ctx := context.Background()
	defer func() { _ = provider.Shutdown(ctx) }()

	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Minute})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "b", Interval: time.Minute})
	fake.Advance(3 * time.Minute)
	hosts.Sweep(ctx)

	var read metricdata.ResourceMetrics
	_ = reader.Collect(ctx, &read)
	for _, m := range read.ScopeMetrics[0].Metrics {
		switch data := m.Data.(type) {
		case metricdata.Sum[float64]:
			if m.Name == "hostlife_departures_total" {
				for _, p := range data.DataPoints {
					kind, _ := p.Attributes.Value("kind")
					fmt.Println(m.Name, kind.AsString(), p.Value)
				}
			}
		case metricdata.ExponentialHistogram[float64]:
			if m.Name == "hostlife_detection_seconds" {
				p := data.DataPoints[0]
				fmt.Println(m.Name, "count", p.Count, "sum", p.Sum, "scale", p.Scale)
			}
		}
	}
	// Output:
	// hostlife_departures_total evicted 2
	// hostlife_departures_total forgotten 0
	// hostlife_departures_total left 0
	// hostlife_departures_total replaced 0
	// hostlife_detection_seconds count 2 sum 360 scale 3
}

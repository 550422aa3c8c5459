package hostprom_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

// crowded returns a registry with so many hosts in 64 zones, their ids, and a Registry with its
// Collector.
func crowded(b *testing.B, hosts int) (*hostmgr.Registry[string], []string, *prometheus.Registry) {
	b.Helper()
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(b, err)
	ids := make([]string, hosts)
	for i := range ids {
		ids[i] = "host-" + strconv.Itoa(i)
		_, err := r.Announce(hostmgr.Announcement[string]{ID: ids[i], Interval: time.Hour, Zone: "zone-" + strconv.Itoa(i%64)})
		require.NoError(b, err)
	}
	full := wide()
	reg := prometheus.NewRegistry()
	require.NoError(b, reg.Register(&hostprom.Collector{Registries: map[string]func() hostmgr.Stats{
		"hosts": func() hostmgr.Stats {
			s := r.Stats()
			// The distributions of a registry that has run for a long time.
			for _, d := range []*histogram.Snapshot[time.Duration]{&s.Latency.Detection, &s.Latency.CleanupAfterLeave, &s.Latency.CleanupAfterEviction, &s.Latency.SweepDuration, &s.Latency.SweepDelay} {
				*d = full.Snapshot()
			}
			return s
		},
	}}))
	return r, ids, reg
}

// wide returns a distribution that has values of every magnitude.
func wide() *histogram.Histogram[time.Duration] {
	var full histogram.Histogram[time.Duration]
	for i := range 10_000 {
		full.Record(time.Duration(math.Pow(10, 14*float64(i)/10_000))) // ns, up to a day
	}
	return &full
}

// BenchmarkScrape shows that the cost of a scrape does not depend on the number of hosts.
func BenchmarkScrape(b *testing.B) {
	for _, hosts := range []int{1_000, 1_000_000} {
		_, _, reg := crowded(b, hosts)
		for _, format := range []expfmt.FormatType{expfmt.TypeTextPlain, expfmt.TypeProtoDelim} {
			b.Run(fmt.Sprintf("%d/%v", hosts, map[expfmt.FormatType]string{expfmt.TypeTextPlain: "text", expfmt.TypeProtoDelim: "protobuf"}[format]), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := scrape(reg, io.Discard, expfmt.NewFormat(format)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkHeartbeat shows how scrapes slow down heartbeats of a million hosts on all processors. A
// round is two million heartbeats alone, and as many with a scrape every 100 ms, which is a hundred
// times as often as usual. The median of the ratios is robust on a machine that is busy with other
// work.
func BenchmarkHeartbeat(b *testing.B) {
	r, ids, reg := crowded(b, 1_000_000)
	var ratios []float64
	for b.Loop() {
		alone := heartbeats(b, r, ids)
		stop := scraping(b, reg)
		ratios = append(ratios, float64(heartbeats(b, r, ids))/float64(alone))
		stop()
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "scraped/alone")
}

// heartbeats returns how long two million heartbeats take.
func heartbeats(b *testing.B, r *hostmgr.Registry[string], ids []string) time.Duration {
	var wg sync.WaitGroup
	start := time.Now()
	procs := runtime.GOMAXPROCS(0)
	for p := range procs {
		wg.Go(func() {
			for i := p; i < 2_000_000; i += procs {
				if _, err := r.Heartbeat(ids[i*7919%len(ids)], 0); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// scraping scrapes every 100 ms until stop is called.
func scraping(b *testing.B, reg *prometheus.Registry) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if err := scrape(reg, io.Discard, expfmt.NewFormat(expfmt.TypeProtoDelim)); err != nil {
				b.Error(err)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

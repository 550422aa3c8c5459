package hostprom_test

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

// crowded is a registry with so many hosts in 64 zones, and a Collector of it.
func crowded(b *testing.B, hosts int) (*hostmgr.Registry[int], []string, *prometheus.Registry) {
	b.Helper()
	r, err := hostmgr.New(hostmgr.Config[int]{})
	require.NoError(b, err)
	ids := make([]string, hosts)
	for i := range ids {
		ids[i] = "host-" + strconv.Itoa(i)
		_, err := r.Announce(hostmgr.Announcement[int]{ID: ids[i], Interval: time.Hour, Zone: "zone-" + strconv.Itoa(i%64)})
		require.NoError(b, err)
	}
	full, share := wide()
	reg := prometheus.NewRegistry()
	require.NoError(b, reg.Register(&hostprom.Collector{Registries: map[string]func() hostmgr.Stats{
		"hosts": func() hostmgr.Stats {
			s := r.Stats()
			// A registry that has seen much does this besides; it would take long to get there.
			for _, d := range []*histogram.Snapshot[time.Duration]{&s.Detection, &s.CleanupAfterLeave, &s.CleanupAfterEviction, &s.SweepDuration, &s.PeriodJitter} {
				*d = full.Clone().Snapshot()
			}
			s.PeriodJitterShare = share.Clone().Snapshot()
			return s
		},
	}}))
	return r, ids, reg
}

// wide are distributions that have values of every magnitude.
func wide() (*histogram.Histogram[time.Duration], *histogram.Histogram[float64]) {
	var full histogram.Histogram[time.Duration]
	var share histogram.Histogram[float64]
	for i := range 10_000 {
		v := math.Pow(10, 14*float64(i)/10_000) // ns, up to a day
		full.Record(time.Duration(v))
		share.Record(v / 1e13)
	}
	return &full, &share
}

// BenchmarkScrape shows that what a scrape costs doesn't depend on the number of hosts.
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

// BenchmarkHeartbeat shows what scrapes take from beats: on all processors, of a million hosts,
// alone and with a scrape every 100 ms, which is a hundred times as often as usual.
func BenchmarkHeartbeat(b *testing.B) {
	r, ids, reg := crowded(b, 1_000_000)
	var next atomic.Uint64
	beat := func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for i := next.Add(1 << 32); pb.Next(); i += 7919 {
				if _, err := r.Heartbeat(ids[i%uint64(len(ids))], 0); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.Run("alone", beat)
	b.Run("scraped", func(b *testing.B) {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for tick := time.NewTicker(100 * time.Millisecond); ; {
				select {
				case <-tick.C:
					if err := scrape(reg, io.Discard, expfmt.NewFormat(expfmt.TypeProtoDelim)); err != nil {
						b.Error(err)
					}
				case <-stop:
					return
				}
			}
		}()
		beat(b)
		close(stop)
		<-stopped
	})
}

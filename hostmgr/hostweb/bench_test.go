package hostweb_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// many is a registry of n hosts.
func many(b *testing.B, n int) *hostmgr.Registry[string] {
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(b, err)
	for i := range n {
		_, err := r.Announce(hostmgr.Announcement[string]{ID: fmt.Sprintf("host-%07d", i*7919%n), Zone: fmt.Sprint("zone-", i%4), Interval: time.Hour})
		require.NoError(b, err)
	}
	return r
}

// A scan of a million hosts that answers one query. Each iteration uses a new Handler, so there is no
// pause between scans.
func BenchmarkScan(b *testing.B) {
	r := many(b, 1_000_000)
	for _, query := range []string{"sort=id&page=1", "sort=id&page=500&size=200", "sort=evict&search=99"} {
		b.Run(query, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h := &hostweb.Handler[string]{Registry: r} // without an earlier scan
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/hosts?"+query, nil))
				require.Equal(b, http.StatusOK, w.Code)
			}
		})
	}
}

// Heartbeats without viewers: without a handler, with one, and with one that had a viewer.
func BenchmarkHeartbeat(b *testing.B) {
	for _, with := range []string{"none", "handler", "viewed"} {
		b.Run(with, func(b *testing.B) {
			r := many(b, 1000)
			h := &hostweb.Handler[string]{Registry: r}
			if with != "none" {
				do(h, http.MethodGet, "/")
			}
			if with == "viewed" {
				ctx, cancel := context.WithCancel(b.Context())
				cancel() // it ends after the first update
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/events", nil).WithContext(ctx))
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Heartbeat("host-0000007", 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The deepest pages of 16 lists of 300,000 hosts at once: how long all of them take, and how much the
// heap grows at most.
func BenchmarkDeepPages(b *testing.B) {
	r := many(b, 300_000)
	for b.Loop() {
		runtime.GC()
		begun := heap()
		most, stop, done := begun, make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					most = max(most, heap())
				}
			}
		}()
		h := &hostweb.Handler[string]{Registry: r}
		var wg sync.WaitGroup
		for i := range 16 {
			target := fmt.Sprintf("/api/hosts?sort=%s&order=%s&size=200&page=%d",
				[]string{"id", "zone", "contact", "evict"}[i%4], []string{"asc", "desc"}[i/4%2], 500-i/8)
			wg.Go(func() { do(h, http.MethodGet, target) })
		}
		wg.Wait()
		close(stop)
		<-done
		b.ReportMetric(float64(most-begun)/(1<<20), "peak-MiB")
	}
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

package hostweb_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
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

// A pass over a million hosts that answers one question; each iteration asks one that is new, and
// the pause between passes is left out.
func BenchmarkPass(b *testing.B) {
	r := many(b, 1_000_000)
	for _, query := range []string{"sort=id&page=1", "sort=id&page=500&size=200", "sort=evict&search=99"} {
		b.Run(query, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h := &hostweb.Handler[string]{Registry: r} // it has made no pass yet
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/hosts?"+query, nil))
				require.Equal(b, http.StatusOK, w.Code)
			}
		})
	}
}

// Heartbeats while nobody looks, without a handler, with one, and with one that has been looked at.
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

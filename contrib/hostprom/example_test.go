package hostprom_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/hostmgr"
)

// A service exposes a registry at /metrics.
func ExampleCollector() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{})
	reg := prometheus.NewRegistry()
	reg.MustRegister(&hostprom.Collector{
		Registries: map[string]func() hostmgr.Stats{"hosts": hosts.Stats},
	})
	http.Handle("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))

	for _, id := range []string{"a", "b", "c"} {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: id, Zone: "east", Interval: time.Minute})
	}
	answer := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, `hostlife_hosts{registry="hosts",state="unsuspected"`) {
			fmt.Print(line)
		}
	}
	// Output:
	// hostlife_hosts{registry="hosts",state="unsuspected",zone=""} 0
	// hostlife_hosts{registry="hosts",state="unsuspected",zone="east"} 3
}

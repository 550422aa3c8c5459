package hostprom_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// A service has the metrics of a registry at /metrics, and its live page at /hosts/.
func ExampleCollector_page() {
	type Peer struct{ Address string }
	hosts, _ := hostmgr.New(hostmgr.Config[Peer]{})
	metrics, mux := prometheus.NewRegistry(), http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	metrics.MustRegister(&hostprom.Collector{
		Registries: map[string]func() hostmgr.Stats{"hosts": hosts.Stats},
	})
	page := &hostweb.Handler[Peer]{Registry: hosts, Title: "scheduler"} // Member: member, if it is shared
	mux.Handle("/hosts/", http.StripPrefix("/hosts", page))

	for _, path := range []string{"/metrics", "/hosts/"} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(path, answer.Code)
	}
	// Output:
	// /metrics 200
	// /hosts/ 200
}

package shown

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hostlife/hostlife/benchmarks/internal/report"
	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

const (
	scrapeEvery = 500 * time.Millisecond
	scrapesOnce = 50
)

// metrics is what a service would have at /metrics, for this registry alone.
func metrics(hosts *hostmgr.Registry[int]) http.Handler {
	own := prometheus.NewRegistry()
	own.MustRegister(&hostprom.Collector{Registries: map[string]func() hostmgr.Stats{"hosts": hosts.Stats}})
	return promhttp.HandlerFor(own, promhttp.HandlerOpts{})
}

func scrape(h http.Handler) error {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || w.Body.Len() == 0 {
		return fmt.Errorf("a scrape got %d: %s", w.Code, w.Body)
	}
	return nil
}

// scraper scrapes at once, and then again and again.
func scraper(hosts *hostmgr.Registry[int]) (stop func(), err error) {
	h, done, stopped := metrics(hosts), make(chan struct{}), make(chan struct{})
	if err := scrape(h); err != nil {
		return nil, err
	}
	go func() {
		defer close(stopped)
		tick := time.NewTicker(scrapeEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = scrape(h)
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-stopped
	}, nil
}

// unwatched serves the page without viewers.
func unwatched(hosts *hostmgr.Registry[int]) (stop func(), err error) {
	return httptest.NewServer(&hostweb.Handler[int]{Registry: hosts}).Close, nil
}

// viewer does what a browser does that has the page open: it follows the events, and asks
// for a page of hosts at each.
func viewer(hosts *hostmgr.Registry[int]) (stop func(), err error) {
	s := httptest.NewServer(&hostweb.Handler[int]{Registry: hosts})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		follow(ctx, s.URL)
	}()
	return func() {
		cancel()
		<-done
		s.Close()
	}, nil
}

func follow(ctx context.Context, url string) {
	events, err := get(ctx, url+"/events")
	if err != nil {
		return
	}
	defer func() { _ = events.Close() }()
	for b := make([]byte, 64<<10); ; {
		if _, err := events.Read(b); err != nil {
			return
		}
		if page, err := get(ctx, url+"/api/hosts?size=50"); err == nil {
			_, _ = io.Copy(io.Discard, page)
			_ = page.Close()
		}
	}
}

func get(ctx context.Context, url string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// scrapes measures the processor time of a scrape, garbage collection included.
func (t *trial) scrapes() ([]report.Row, error) {
	h := metrics(t.hosts)
	if _, err := cpu(); err != nil {
		_, _ = fmt.Fprintf(t.log, "shown: scrape_cpu is left out: %v\n", err)
		return nil, nil
	}
	runtime.GC()
	before, err := cpu()
	if err != nil {
		return nil, err
	}
	for range scrapesOnce {
		if err := scrape(h); err != nil {
			return nil, err
		}
	}
	after, err := cpu()
	return []report.Row{{
		Measure: "scrape_cpu", Peer: "hostprom", Unit: "ms",
		Value: float64(after-before) / scrapesOnce / float64(time.Millisecond),
	}}, err
}

package schedulerd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A page is the HTTP server of the live page, metrics and health.
type page struct {
	ln     net.Listener
	server *http.Server
	done   chan struct{} // closed when it has stopped
}

// openPage serves on addr. It returns nil if addr is empty.
func (s *Server) openPage(addr string) (*page, error) {
	if addr == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &page{ln: ln, done: make(chan struct{}), server: &http.Server{
		Handler:           onlyAsLocal(ln.Addr(), s.pages()),
		ReadHeaderTimeout: min(s.timeout, 5*time.Second),
		ReadTimeout:       s.timeout,
		WriteTimeout:      s.timeout, // a stream of events has a deadline for each
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		MaxHeaderBytes:    16 << 10,
	}}
	go func() {
		defer close(p.done)
		if err := p.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("serving the page failed", "err", err)
		}
	}()
	return p, nil
}

func (p *page) url() string { return fmt.Sprintf("http://%s/", p.ln.Addr()) }

// close closes all connections: streams of events do not end otherwise.
func (p *page) close() {
	_ = p.server.Close()
	<-p.done
}

func (s *Server) pages() http.Handler {
	metrics := prometheus.NewRegistry()
	collector := &hostprom.Collector{Registries: map[string]func() hostmgr.Stats{"hosts": s.hosts.Stats}}
	live := &hostweb.Handler[*commonv2.Host]{
		Registry: s.hosts, Title: "scheduler", Describe: describe, Actions: s.actions, Logger: s.log,
	}
	if s.member != nil {
		collector.Members = map[string]func() share.Stats{"hosts": s.member.shared.Stats}
		live.Member, live.Title = s.member.shared, "scheduler "+s.member.name
	}
	metrics.MustRegister(
		collector,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	mux.HandleFunc("/healthz", s.healthz)
	mux.Handle("/", live)
	if s.actions {
		mux.Handle("/actions/", live)
	}
	return s.readOnly(mux)
}

// readOnly refuses all methods but GET and HEAD, except for actions of the page.
func (s *Server) readOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := s.actions && strings.HasPrefix(r.URL.Path, "/actions/")
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !action {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are allowed", http.StatusMethodNotAllowed)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// healthz answers as the health service of gRPC does.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	if err := s.healthy(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}

func (s *Server) healthy(ctx context.Context) error {
	if !s.member.isReady() {
		return errors.New("not in touch with the table that the schedulers share")
	}
	h, err := s.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err == nil && h.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		err = errors.New("not serving")
	}
	return err
}

// describe is the text about a host's metadata on the page.
func describe(h *commonv2.Host) string {
	return fmt.Sprintf("%s %s:%d", h.GetHostname(), h.GetIp(), h.GetPort())
}

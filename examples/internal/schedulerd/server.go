// Package schedulerd is a scheduler that speaks Dragonfly's API and keeps its hosts in a
// hostmgr.Registry. It is an example, not a Dragonfly scheduler: it schedules nothing.
package schedulerd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv1 "d7y.io/api/v2/pkg/apis/scheduler/v1"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/tap"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/hostmgr"
)

const gracefully = 3 * time.Second // for calls in flight when the server stops

// A Server is a scheduler.
type Server struct {
	hosts   *hostmgr.Registry[*commonv2.Host]
	member  *member
	peers   *peerStore
	grpc    *grpc.Server
	health  *health.Server
	streams map[string]bool // of methods; not changed once it serves
	log     *slog.Logger
	verbose bool

	history  *history.Log  // nil: none
	recorder io.Writer     // likewise
	actions  bool          // the page may evict and forget hosts
	timeout  time.Duration // that a client may take for a request, or for an answer
}

// Main is the command without stores: it refuses -share.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	return Command(nil)(ctx, args, stdout, stderr)
}

// Command returns the command. Nil stores mean that it refuses -share.
func Command(stores Stores) cli.Command {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		cfg, err := parse(args, stdout)
		if err != nil {
			return err
		}
		if cfg.withStdin {
			cli.EndWithStdin()
		}
		if cfg.clear && stores != nil {
			return stores.Clear(ctx, cfg.table)
		}
		return run(ctx, cfg, stores, stdout, stderr)
	}
}

func run(ctx context.Context, cfg Config, stores Stores, stdout, stderr io.Writer) (err error) {
	stop, err := profile(cfg.cpuProfile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	closeRecord, err := cfg.openRecord()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeRecord()) }()
	closeHistory, err := cfg.openHistory()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeHistory()) }()
	log, flush, err := cli.Logger(cfg.Log, stderr)
	if err != nil {
		return err
	}
	defer flush()
	closeStore, err := cfg.openStore(stores, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	return listen(ctx, cfg, log, stdout)
}

func listen(ctx context.Context, cfg Config, log *slog.Logger, stdout io.Writer) error {
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return err
	}
	cfg.nameAfter(ln.Addr())
	s, err := New(cfg, log)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	page, err := s.openPage(cfg.HTTP)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if page != nil {
		defer page.close()
	}
	defer s.background()() // before anyone knows the address, so that no signal is lost
	announce(stdout, ln, page)
	return s.serve(ctx, ln)
}

// announce prints the addresses of the server as its first output. The server does not wait for a
// reader of stdout.
func announce(stdout io.Writer, ln net.Listener, page *page) {
	out, flush := cli.Aside(stdout)
	_, _ = fmt.Fprintf(out, "listening on %s\n", ln.Addr())
	if page != nil {
		_, _ = fmt.Fprintf(out, "page on %s\n", page.url())
	}
	flush()
}

// New returns a server; background and serve start it.
func New(cfg Config, log *slog.Logger) (*Server, error) {
	var err error
	s := &Server{peers: newPeerStore(cfg.maxPeerBytes), log: log, verbose: cfg.Verbose, history: cfg.history, recorder: cfg.recorder, timeout: cfg.timeout, actions: cfg.actions}
	if s.hosts, err = hostmgr.New(s.registry(cfg)); err != nil {
		return nil, err
	}
	if s.member, err = s.newMember(cfg, log); err != nil {
		return nil, err
	}
	sends := newSends(s.timeout)
	s.grpc = grpc.NewServer(slices.Concat(limits(), withHistory(cfg.history), sends.options(), []grpc.ServerOption{grpc.InTapHandle(s.limitTime())})...)
	s.register()
	return s, nil
}

// registry returns the configuration of the registry.
func (s *Server) registry(cfg Config) hostmgr.Config[*commonv2.Host] {
	return hostmgr.Config[*commonv2.Host]{
		Policy: cfg.policyOf(cfg.policy), Shadow: cfg.policyOf(cfg.shadow), StallThreshold: cfg.stallThreshold,
		MaxHosts: cfg.maxHosts, Pacing: cfg.pacing, Recorder: cfg.recorder,
		Cleanup: s.cleanup, Logger: s.log, KeepMetadata: true,
	}
}

// limits bound what one client can make the server hold; sends has what bounds all of them
// together. A ping every 5 s is
// allowed, also between calls: an announce is rarer than what keeps a NAT open.
// The size of the windows is said, or else gRPC has them grow up to 16 MiB.
func limits() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxRequest),
		grpc.InitialWindowSize(64 << 10),
		grpc.InitialConnWindowSize(64 << 10),
		grpc.MaxHeaderListSize(16 << 10),
		grpc.MaxConcurrentStreams(256),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
}

// limitTime bounds the duration of unary calls, so that a client that sends its request slowly, or
// never, holds nothing for longer.
func (s *Server) limitTime() tap.ServerInHandle {
	return func(ctx context.Context, info *tap.Info) (context.Context, error) {
		if s.streams[info.FullMethodName] {
			return ctx, nil
		}
		limited, cancel := context.WithTimeout(ctx, s.timeout)
		context.AfterFunc(ctx, cancel)
		return limited, nil
	}
}

func (s *Server) register() {
	d := s.directory()
	schedulerv1.RegisterSchedulerServer(s.grpc, serviceV1{directory: d})
	schedulerv2.RegisterSchedulerServer(s.grpc, serviceV2{directory: d})
	s.health = health.NewServer()
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	s.showHealth(s.member.isReady())
	reflection.Register(s.grpc)
	s.streams = streamsOf(s.grpc)
}

// showHealth sets the answer of the health service for the services registered so far.
func (s *Server) showHealth(serving bool) {
	status := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if serving {
		status = grpc_health_v1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", status)
	for service := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(service, status)
	}
}

// streamsOf returns the names of the streaming methods.
func streamsOf(g *grpc.Server) map[string]bool {
	streams := map[string]bool{}
	for service, info := range g.GetServiceInfo() {
		for _, m := range info.Methods {
			if m.IsClientStream || m.IsServerStream {
				streams["/"+service+"/"+m.Name] = true
			}
		}
	}
	return streams
}

// serve serves until ctx ends, and then stops gracefully: health checks fail first, calls in flight
// may finish, and the registry sweeps until they have.
func (s *Server) serve(ctx context.Context, ln net.Listener) error {
	served := make(chan error, 1)
	go func() {
		err := s.grpc.Serve(ln)
		if errors.Is(err, grpc.ErrServerStopped) { // before it began
			err = nil
		}
		served <- err
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	s.health.Shutdown()
	hard := time.AfterFunc(gracefully, s.grpc.Stop)
	defer hard.Stop()
	s.grpc.GracefulStop()
	return <-served
}

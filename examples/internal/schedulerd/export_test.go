package schedulerd

import (
	"context"
	"errors"
	"io"
	"log/slog"

	schedulerv1 "d7y.io/api/v2/pkg/apis/scheduler/v1"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/grpc"

	"github.com/hostlife/hostlife/hostmgr"
)

// A PeerStore is a peerStore for tests that decide what happens in between.
type PeerStore struct{ s *peerStore }

func NewPeerStore() PeerStore { return PeerStore{newPeerStore(0)} }

func (p PeerStore) Register(find func() (uint64, bool), host, id string) error {
	finder := func() (uint64, error) {
		registration, ok := find()
		if !ok {
			return 0, errNoHost
		}
		return registration, nil
	}
	return p.s.register(finder, host, peer{peerKey: peerKey{"task", id}}, task{id: "task"})
}

func (p PeerStore) Free(host string, registration uint64) int { return p.s.free(host, registration) }
func (p PeerStore) Len() int                                  { return p.s.len() }

// Handlers are what gRPC calls, without gRPC.
type Handlers struct {
	s *Server
	d directory
}

// NewHandlers returns those of a scheduler that does not run: sweeps and cleanups
// are done when the test says so.
func NewHandlers(args ...string) (Handlers, error) {
	cfg, err := parse(args, io.Discard)
	if err != nil {
		return Handlers{}, err
	}
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return Handlers{}, err
	}
	return Handlers{s, s.directory()}, nil
}

func (h Handlers) V1() schedulerv1.SchedulerServer { return serviceV1{directory: h.d} }
func (h Handlers) V2() schedulerv2.SchedulerServer { return serviceV2{directory: h.d} }

func (h Handlers) Sweep(ctx context.Context) { h.s.hosts.Sweep(ctx) }
func (h Handlers) Stats() hostmgr.Stats      { return h.s.hosts.Stats() }
func (h Handlers) Peers() int                { return h.s.peers.len() }

// NewRegistry returns the registry of a scheduler, whose cleanups fail while fails returns true.
func NewRegistry(log *slog.Logger, fails func() bool, args ...string) (*hostmgr.Registry[*host], error) {
	cfg, err := parse(args, io.Discard)
	if err != nil {
		return nil, err
	}
	s := &Server{peers: newPeerStore(0), log: log, verbose: cfg.Verbose}
	c := s.registry(cfg)
	c.Cleanup = func(ctx context.Context, d hostmgr.Departure[*host]) error {
		if fails() {
			return errors.New("the database is down")
		}
		return s.cleanup(ctx, d)
	}
	return hostmgr.New(c)
}

// Checked wraps every unary call.
var Checked grpc.UnaryServerInterceptor = checked

// OnlyAsLocal is around the page.
var OnlyAsLocal = onlyAsLocal

// Policies are what the flags say.
func Policies(args ...string) (policy, shadow hostmgr.Policy, err error) {
	cfg, err := parse(args, io.Discard)
	return cfg.policyOf(cfg.policy), cfg.policyOf(cfg.shadow), err
}

// NewPeerStoreOf returns one that takes so many bytes.
func NewPeerStoreOf(maxBytes int64) PeerStore { return PeerStore{newPeerStore(maxBytes)} }

// Put registers a peer of a registration that stays.
func (p PeerStore) Put(host string, registration uint64, name, id, url string) error {
	return p.s.put(host, registration, peer{peerKey: peerKey{name, id}}, task{id: name, url: url})
}

// Delete removes one peer.
func (p PeerStore) Delete(host, task, id string) error {
	return p.s.delete(host, peerKey{task, id})
}

// Bytes is what it takes to hold.
func (p PeerStore) Bytes() int64 { return p.s.bytes }

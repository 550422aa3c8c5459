// Package embedded runs an etcd server in the process, for services with three or more processes that
// have stable names and disks, and no etcd cluster yet.
//
// A service whose processes come and go, or have no disks, should use an existing etcd cluster or
// Redis. Import this package only to run a server: it makes a program larger, and slower to
// compile.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
)

// A Server is an etcd server that runs in this process. All methods may be called concurrently.
type Server struct {
	etcd   *embed.Etcd
	client *clientv3.Client
	lock   *fileutil.LockedFile // of the folder
	name   string
	logger *slog.Logger

	closing *atomic.Bool // Close was called
	close   func() error // once

	endUpkeep func() // nil before it has begun
}

// Start starts a server, and waits until it can serve: until it knows a leader, and has read its
// data. In a cluster, that is when most of the servers have been started, in any order. If ctx ends
// first, the server is closed, and the error wraps that of ctx.
//
// An error names its cause if an address or a folder is in use, or if a setting is not valid. The
// error about a setting wraps hostmgr.ErrInvalid.
func Start(ctx context.Context, c Config) (*Server, error) {
	s, err := start(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("embedded etcd: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, c Config) (*Server, error) {
	c = c.withDefaults()
	s := &Server{name: c.Name, logger: c.Logger, closing: new(atomic.Bool)}
	s.close = sync.OnceValue(s.end)
	settings, err := c.settings(s.closing)
	if err != nil {
		return nil, err
	}
	if s.lock, err = lockFolder(c.Dir); err != nil {
		return nil, err
	}
	if s.etcd, err = embed.StartEtcd(settings); err != nil {
		s.etcd = nil
		return nil, errors.Join(explained(err, &c), s.Close())
	}
	if err := s.wait(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.client, err = connect(s.Endpoints()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.endUpkeep = s.startUpkeep(settings.QuotaBackendBytes)
	return s, nil
}

// Addr returns the address at which clients connect.
func (s *Server) Addr() net.Addr { return s.etcd.Clients[0].Addr() }

// Endpoints returns the URL at which clients connect.
func (s *Server) Endpoints() []string { return []string{"http://" + s.Addr().String()} }

// Client returns a client of this server. Close closes it.
func (s *Server) Client() *clientv3.Client { return s.client }

// Done is closed when the server has stopped by itself, after an error that it cannot survive, or
// because it was removed from its cluster. Then call Close.
func (s *Server) Done() <-chan struct{} { return s.etcd.Server.StopNotify() }

// Close ends the server, and waits until it has ended. A server that is the leader hands over first.
// The data stay in the folder.
func (s *Server) Close() error { return s.close() }

func (s *Server) end() (err error) {
	s.closing.Store(true)
	if s.endUpkeep != nil {
		s.endUpkeep()
	}
	if s.client != nil {
		err = s.client.Close()
	}
	if s.etcd != nil {
		s.endEtcd()
	}
	return errors.Join(err, s.lock.Close())
}

// endEtcd ends the server. If it is not ready, it must be stopped first: otherwise Close of etcd
// waits until it is.
func (s *Server) endEtcd() {
	select {
	case <-s.etcd.Server.ReadyNotify():
	default:
		s.etcd.Server.HardStop()
	}
	s.etcd.Close()
}

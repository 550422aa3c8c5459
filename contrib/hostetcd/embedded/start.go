package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	progress    = 5 * time.Second // between two lines about a server that is not ready
	keepAlive   = 5 * time.Second
	privateDir  = 0o700
	privateFile = 0o600
)

// lockFolder makes the folder, and locks it. etcd itself would wait for another server without an
// end.
func lockFolder(dir string) (*fileutil.LockedFile, error) {
	if err := os.MkdirAll(dir, privateDir); err != nil {
		return nil, err
	}
	lock, err := fileutil.TryLockFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_WRONLY, privateFile)
	if errors.Is(err, fileutil.ErrLocked) {
		return nil, fmt.Errorf("another server uses the folder %s", dir)
	}
	return lock, err
}

// explained adds what to do to an error about a server that has lost its data. Such a server must not
// vote again under the same identity: it has forgotten what it has acknowledged.
func explained(err error, c *Config) error {
	if !strings.Contains(err.Error(), "has already been bootstrapped") {
		return err
	}
	return fmt.Errorf("the cluster knows the server %q, but its folder %s is empty: restore the folder, or see "+
		"\"A server that has lost its disk\" in README.md, with etcdctl member remove and member add: %w", c.Name, c.Dir, err)
}

// wait waits until the server is ready.
func (s *Server) wait(ctx context.Context) error {
	begin := time.Now()                //nolint:forbidigo // etcd goes by real time
	ticker := time.NewTicker(progress) //nolint:forbidigo // as above
	defer ticker.Stop()
	for {
		select {
		case <-s.etcd.Server.ReadyNotify():
			return nil
		case <-s.Done():
			return fmt.Errorf("the server %q has stopped: see its log", s.name)
		case err := <-s.etcd.Err():
			return err
		case <-ctx.Done():
			return fmt.Errorf("the server %q is not ready, because it has no leader: %w", s.name, ctx.Err())
		case <-ticker.C:
			s.logger.Warn("waiting for most servers of the etcd cluster", "name", s.name, "for", time.Since(begin).Round(time.Second)) //nolint:forbidigo // as above
		}
	}
}

// connect returns a client. It connects when it is used.
func connect(endpoints []string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints: endpoints, Logger: zap.NewNop(),
		DialKeepAliveTime: keepAlive, DialKeepAliveTimeout: keepAlive,
	})
}

// Package hostetcd is a [share.Store] on etcd: several processes, each with its own registry, share
// one view of the hosts through an etcd cluster.
//
// The Store uses the embedder's client. This package imports etcd's client, but not its server.
// Package embedded runs an etcd server in the process. Command hostetcd runs one as a program of
// its own.
package hostetcd

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	defaultNamespace = "hostlife"
	maxNamespace     = 256
)

// Config configures a Store. Client is required.
type Config struct {
	// Client is connected to the cluster. The Store does not close it. Its Endpoints should be those
	// of all servers, so that a call finds another server when one has ended. With DialKeepAliveTime
	// the client notices a dead connection.
	Client *clientv3.Client
	// Namespace is the prefix of all keys of the table, which are Namespace/epoch, Namespace/last and
	// Namespace/r/KEY. It must not lie below that of another table: not "a/b" if there is "a". Empty
	// means "hostlife". At most 256 bytes.
	Namespace string
}

// A Store is a table in an etcd cluster. It has no goroutine of its own, except in calls of Feed.
// All methods may be called concurrently.
type Store struct {
	client *clientv3.Client
	keys   layout
}

var _ share.Store = (*Store)(nil)

// New returns a Store. It does not connect: the first call of a method does. An error wraps
// hostmgr.ErrInvalid.
func New(c Config) (*Store, error) {
	if c.Namespace == "" {
		c.Namespace = defaultNamespace
	}
	switch {
	case c.Client == nil:
		return nil, fmt.Errorf("hostetcd: %w: no Client", hostmgr.ErrInvalid)
	case len(c.Namespace) > maxNamespace:
		return nil, fmt.Errorf("hostetcd: %w: Namespace has %d bytes, more than %d",
			hostmgr.ErrInvalid, len(c.Namespace), maxNamespace)
	}
	return &Store{c.Client, layoutOf(c.Namespace)}, nil
}

// failed returns the error of a call that did not succeed. If the context has ended, that is the
// reason, whatever the client says.
func failed(ctx context.Context, what string, err error) error {
	if end := ended(ctx); end != nil {
		err = end
	}
	return fmt.Errorf("hostetcd: %s: %w", what, err)
}

// ended returns the error of ctx if ctx has ended, or if its deadline has passed. A call ends at the
// deadline by itself, perhaps a moment before ctx has an error.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !clock.System().Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

package hostredis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	block      = time.Second            // of a read that waits, if the answer may take twice as long
	shortBlock = 100 * time.Millisecond // if a read cannot be interrupted
	defaultMax = 3 * time.Second        // for an answer that does not wait
)

// failoverAddr is the address in the options of a client for Sentinel. Its dialer asks Sentinel. A
// context that ends then would close the connection to Sentinel, which the client of the embedder
// uses, too. So the dial takes its time, at most DialTimeout.
const failoverAddr = "FailoverClient"

// A line is a connection of a feed to Redis. A client cannot end a command when a context ends, but
// a line can be closed.
type line struct {
	client processor
	block  time.Duration
	close  func()
}

var errLineDown = errors.New("hostredis: the connection of the feed is down")

// dial opens a line to the server that is the primary now.
func (s *Store) dial(ctx context.Context) (*line, error) {
	options, err := s.options(ctx)
	if err != nil {
		return nil, err
	}
	if options == nil {
		return &line{client: s.client, block: shortBlock, close: func() {}}, nil
	}
	if options.Addr == failoverAddr {
		ctx = context.WithoutCancel(ctx)
	}
	conn, err := options.Dialer(ctx, options.Network, options.Addr)
	if err != nil {
		return nil, err
	}
	own := lineOptions(*options, conn)
	c := redis.NewClient(own)
	return &line{client: c, block: min(block, own.ReadTimeout/2), close: func() {
		_ = conn.Close()
		_ = c.Close()
	}}, nil
}

// options returns those of the client for the server of the table, or nil if it has none.
func (s *Store) options(ctx context.Context) (*redis.Options, error) {
	switch c := s.client.(type) {
	case interface{ Options() *redis.Options }:
		return c.Options(), nil
	case interface {
		MasterForKey(context.Context, string) (*redis.Client, error)
	}:
		node, err := c.MasterForKey(ctx, s.keys.meta)
		if err != nil {
			return nil, fmt.Errorf("hostredis: %w", err)
		}
		return node.Options(), nil
	}
	return nil, nil
}

// xread waits for entries of the log after a revision. XRead of the client would allow the answer ten
// seconds more than it may wait, although an answer that takes longer than ReadTimeout will not come.
func (l *line) xread(ctx context.Context, log, after string) ([]redis.XStream, error) {
	const key = 6 // in the command
	c := redis.NewXStreamSliceCmd(ctx, "xread", "count", entriesAhead, "block", max(1, l.block.Milliseconds()), "streams", log, after)
	c.SetFirstKeyPos(key)
	if err := l.client.Process(ctx, c); err != nil {
		return nil, err
	}
	return c.Val(), nil
}

// outdated tells a client for Redis Cluster that its list of the nodes may be old. By itself, the
// client reads the list again after a minute, or when a node answers that it has moved the table.
// A node that is gone does not answer.
func (s *Store) outdated(ctx context.Context) {
	if c, ok := s.client.(interface{ ReloadState(context.Context) }); ok {
		c.ReloadState(ctx)
	}
}

// lineOptions returns options for a client of one connection, which it does not open again.
func lineOptions(o redis.Options, conn net.Conn) *redis.Options {
	var used atomic.Bool
	o.Dialer = func(context.Context, string, string) (net.Conn, error) {
		if used.Swap(true) {
			return nil, errLineDown
		}
		return conn, nil
	}
	o.PoolSize, o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns = 1, 0, 1, 0
	o.MaxRetries, o.DialerRetries = -1, 1
	o.ConnMaxIdleTime, o.ConnMaxLifetime = -1, -1
	o.Limiter, o.AutoPipelineOptions, o.ClientSideCache, o.ClientSideCacheConfig = nil, nil, nil, nil
	o.PipelineReadBufferSize, o.PipelineWriteBufferSize = 0, 0
	o.MaintNotificationsConfig = &maintnotifications.Config{
		Mode: maintnotifications.ModeDisabled, EndpointType: maintnotifications.EndpointTypeNone, // else NewClient looks up Addr
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = defaultMax
	}
	return &o
}

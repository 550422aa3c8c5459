// Package stores opens the table that schedulers share, on Redis or etcd. It is a package of its own
// so that only the programs that need them link the clients of both.
package stores

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/hostlife/hostlife/contrib/hostetcd"
	"github.com/hostlife/hostlife/contrib/hostredis"
	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	dialTimeout    = 2 * time.Second  // well below a lapse
	keepAlive      = 10 * time.Second // between two checks of an idle connection to etcd
	keepAliveLimit = 3 * time.Second
)

// Engines are the schedulerd.Stores on Redis and etcd.
type Engines struct{}

// Open connects to a table. It does not wait for the engine.
func (Engines) Open(t schedulerd.Table) (store share.Store, closeStore func() error, err error) {
	scheme, rest, _ := strings.Cut(t.URL, "://")
	switch scheme {
	case "redis", "rediss":
		return openRedis(t)
	case "etcd":
		return openEtcd(t, rest)
	default:
		return nil, nil, cli.Usagef("%q is neither redis://, nor rediss://, nor etcd://", redacted(t.URL))
	}
}

// redacted returns a URL without its password.
func redacted(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "the URL"
	}
	return u.Redacted()
}

func openRedis(t schedulerd.Table) (share.Store, func() error, error) {
	options, err := redisOptions(t)
	if err != nil {
		return nil, nil, err
	}
	client := redis.NewClient(options)
	store, err := hostredis.New(hostredis.Config{
		Client: client, Namespace: t.Namespace, Lapse: t.Lapse, Logger: t.Logger,
	})
	if err != nil {
		_ = client.Close()
		return nil, nil, err
	}
	return store, client.Close, nil
}

func redisOptions(t schedulerd.Table) (*redis.Options, error) {
	options, err := redis.ParseURL(t.URL)
	if err != nil {
		return nil, cli.Usagef("%v", err)
	}
	redis.SetLogger(silence{}) // what fails returns an error
	options.DialTimeout, options.ContextTimeoutEnabled = dialTimeout, true
	return options, nil
}

// silence drops what the client of Redis logs.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func openEtcd(t schedulerd.Table, endpoints string) (share.Store, func() error, error) {
	client, err := etcdClient(t, endpoints)
	if err != nil {
		return nil, nil, err
	}
	store, err := hostetcd.New(hostetcd.Config{Client: client, Namespace: t.Namespace})
	if err != nil {
		_ = client.Close()
		return nil, nil, err
	}
	return store, client.Close, nil
}

func etcdClient(t schedulerd.Table, endpoints string) (*clientv3.Client, error) {
	addrs := strings.Split(strings.TrimSuffix(endpoints, "/"), ",")
	for _, a := range addrs {
		if a == "" || strings.ContainsAny(a, "/@?") {
			return nil, cli.Usagef("%q is not etcd://HOST:PORT,HOST:PORT", redacted(t.URL))
		}
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: addrs, DialTimeout: dialTimeout, Logger: zap.NewNop(),
		DialKeepAliveTime: keepAlive, DialKeepAliveTimeout: keepAliveLimit,
	})
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	return client, nil
}

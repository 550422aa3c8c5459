package hostetcd_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/contrib/hostetcd"
	"github.com/hostlife/hostlife/contrib/hostetcd/embedded"
	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/internal/effort"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "4") // these tests wait more than they work
	os.Exit(m.Run())
}

const longWait = 30 * time.Second

// servers are the servers of a cluster in this process.
type servers struct {
	t       testing.TB
	configs []embedded.Config
	running []*embedded.Server
}

// start starts a cluster of n servers, each with a folder of its own. They wait for fsync only in
// benchmarks and long tests: a disk that others use would take most of the time.
func start(t testing.TB, n int) *servers {
	t.Helper()
	c := &servers{t: t, running: make([]*embedded.Server, n)}
	level := slog.LevelWarn
	_, isBenchmark := t.(*testing.B)
	if isBenchmark {
		level = slog.LevelError
	}
	dir, cluster := t.TempDir(), map[string]string{}
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))
	for i := range n {
		name := strconv.Itoa(i)
		cluster[name] = "127.0.0.1:0"
		if n > 1 {
			cluster[name] = freeAddress(t)
		}
		c.configs = append(c.configs, embedded.Config{
			Name: name, Dir: filepath.Join(dir, name), Listen: freeAddress(t), Cluster: cluster,
			Logger: logger.With("server", name),
			Adjust: func(e *embed.Config) { e.UnsafeNoFsync = !isBenchmark && !effort.Long() },
		})
	}
	t.Cleanup(func() {
		for i := range c.running {
			c.stop(i)
		}
	})
	c.open(numbers(n)...)
	return c
}

func numbers(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

// open starts servers, and waits until they are ready.
func (c *servers) open(list ...int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), longWait)
	defer cancel()
	var all errgroup.Group
	for _, i := range list {
		all.Go(func() (err error) {
			c.running[i], err = embedded.Start(ctx, c.configs[i])
			return err
		})
	}
	require.NoError(c.t, all.Wait())
}

func (c *servers) stop(i int) {
	if s := c.running[i]; s != nil {
		c.running[i] = nil
		require.NoError(c.t, s.Close())
	}
}

// client returns a client of all servers, whether they run or not.
func (c *servers) client() *clientv3.Client {
	var endpoints []string
	for i := range c.configs {
		endpoints = append(endpoints, "http://"+c.configs[i].Listen)
	}
	return clientOf(c.t, clientv3.Config{Endpoints: endpoints})
}

func clientOf(t testing.TB, c clientv3.Config) *clientv3.Client {
	t.Helper()
	c.Logger = zap.NewNop()
	client, err := clientv3.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// freeAddress returns a loopback address that was free a moment ago.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// storeOf returns a Store of a table of its own.
func storeOf(t testing.TB, client *clientv3.Client) *hostetcd.Store {
	t.Helper()
	return storeIn(t, client, fmt.Sprintf("%s/%d", t.Name(), tables.Add(1)))
}

var tables atomic.Uint64 // that storeOf has made

func storeIn(t testing.TB, client *clientv3.Client, namespace string) *hostetcd.Store {
	t.Helper()
	store, err := hostetcd.New(hostetcd.Config{Client: client, Namespace: namespace})
	require.NoError(t, err)
	return store
}

const valueSize = 120 // bytes of a typical record

func versionOf() uint64 { return rand.Uint64() | 1 }

func create(key string) share.Write {
	return share.Write{Key: key, Version: versionOf(), Value: make([]byte, valueSize)}
}

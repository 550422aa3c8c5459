package embedded_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/server/v3/embed"
	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/contrib/hostetcd/embedded"
)

// One of three servers loses its disk. It does not start as an empty one under its name: the error
// says what to do. After that it joins again, with the data of the others.
func TestAServerThatHasLostItsDisk(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir, cluster := t.TempDir(), map[string]string{}
	for _, name := range []string{"a", "b", "c"} {
		cluster[name] = "127.0.0.1:" + freePort(t)
	}
	config := func(name string) embedded.Config {
		return embedded.Config{Dir: filepath.Join(dir, name), Name: name, Cluster: cluster}
	}
	servers, mu := map[string]*embedded.Server{}, sync.Mutex{} // guards servers until all have started
	var all errgroup.Group
	for name := range cluster {
		all.Go(func() error {
			s, err := embedded.Start(ctx, config(name))
			mu.Lock()
			defer mu.Unlock()
			servers[name] = s
			return err
		})
	}
	require.NoError(t, all.Wait())
	defer func() {
		for _, s := range servers {
			_ = s.Close()
		}
	}()
	_, err := servers["a"].Client().Put(ctx, "key", "value")
	require.NoError(t, err)
	require.NoError(t, servers["c"].Close())
	require.NoError(t, os.RemoveAll(config("c").Dir))

	_, err = embedded.Start(ctx, config("c"))
	require.ErrorContains(t, err, "etcdctl member remove")

	members, err := servers["a"].Client().MemberList(ctx)
	require.NoError(t, err)
	for _, m := range members.Members {
		if m.Name == "c" {
			until(ctx, t, func() error { _, err := servers["a"].Client().MemberRemove(ctx, m.ID); return err })
		}
	}
	until(ctx, t, func() error {
		_, err := servers["a"].Client().MemberAdd(ctx, []string{"http://" + cluster["c"]})
		return err
	})
	again := config("c")
	again.Adjust = func(e *embed.Config) { e.ClusterState = embed.ClusterStateFlagExisting }
	servers["c"], err = embedded.Start(ctx, again)
	require.NoError(t, err)
	got, err := servers["c"].Client().Get(ctx, "key")
	require.NoError(t, err)
	require.Len(t, got.Kvs, 1)
}

// until repeats a change of the members until it succeeds: etcd refuses it for some seconds after a
// server has come or gone.
func until(ctx context.Context, t *testing.T, change func() error) {
	t.Helper()
	for {
		err := change()
		if err == nil {
			return
		}
		require.ErrorContains(t, err, "unhealthy cluster")
		require.NoError(t, ctx.Err())
		time.Sleep(100 * time.Millisecond)
	}
}

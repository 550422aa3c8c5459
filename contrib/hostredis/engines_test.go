package hostredis_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/storetest"
)

func TestStoreOnCluster(t *testing.T) {
	t.Parallel()
	r := startCluster(t)
	s := open(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{r.addr}}))
	storetest.TestStore(t, func(*testing.T) share.Store { return s })
}

// startCluster starts a cluster of one node.
func startCluster(t testing.TB) *server {
	r := startServer(t, "cluster-enabled yes")
	r.do("cluster", "addslotsrange", 0, 16383)
	waitFor(t, "the cluster", func() bool { return r.says("cluster_state:ok", "cluster", "info") })
	return r
}

// The README lists what an ACL user needs.
func TestStoreWithACL(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	rule := regexp.MustCompile(`(?m)^ACL SETUSER (.*)$`).FindSubmatch(text)
	require.NotNil(t, rule)
	args := []any{"acl", "setuser"}
	for _, arg := range strings.Fields(string(rule[1])) {
		args = append(args, arg)
	}
	r := startCluster(t)
	r.do(args...)
	r.do("config", "resetstat")
	single := open(t, redis.NewClient(&redis.Options{Addr: r.addr, Username: "hostlife", Password: "secret"}))
	storetest.TestStore(t, func(*testing.T) share.Store { return single })
	requireWorks(t, open(t, redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{r.addr}, Username: "hostlife", Password: "secret",
	})))
	warnings, err := single.Check(t.Context())
	require.Empty(t, warnings)
	require.NoError(t, err)

	used := fmt.Sprint(r.do("info", "commandstats"))
	for _, arg := range args {
		if command, ok := strings.CutPrefix(arg.(string), "+"); ok {
			require.Contains(t, used, "cmdstat_"+command+":", "the rule has a command that is not needed")
		}
	}
}

// A type of the embedder has no options, so its feeds read through it.
func TestStoreOnAnotherClient(t *testing.T) {
	t.Parallel()
	r := startServer(t)
	type wrapped struct{ redis.UniversalClient }
	requireWorks(t, open(t, wrapped{redis.NewClient(&redis.Options{Addr: r.addr})}))
}

// requireWorks uses most of a Store.
func requireWorks(t *testing.T, s share.Store) {
	t.Helper()
	batch := fill(t, s, "h/", 200)
	r := read(t, s, share.Position{}).waitSynced()
	require.Len(t, r.records, 200)
	w := set("h/later", 0, "later")
	require.NoError(t, s.Put(t.Context(), []share.Write{w}))
	r.waitFor(w)
	require.NoError(t, s.Put(t.Context(), []share.Write{{Key: batch[0].Key, Expect: batch[0].Version, Version: 1, Delete: true}}))
	r.wait("a deletion", func() bool { return len(r.records) == 200 })
	r.end()
	require.ErrorIs(t, r.err, context.Canceled)
}

// RESP2 has other types for some answers.
func TestStoreWithOldProtocol(t *testing.T) {
	t.Parallel()
	r := startServer(t)
	s := open(t, redis.NewClient(&redis.Options{Addr: r.addr, Protocol: 2}))
	requireWorks(t, s)
	warnings, err := s.Check(t.Context())
	require.Empty(t, warnings)
	require.NoError(t, err)
}

// A Redis whose memory is full refuses writes. Feeds can be read, and continue.
func TestFullMemoryStopsWritesOnly(t *testing.T) {
	t.Parallel()
	r := startServer(t)
	s := open(t, redis.NewClient(&redis.Options{Addr: r.addr}))
	fill(t, s, "h/", 100)
	x := read(t, s, share.Position{}).waitSynced()
	r.do("config", "set", "maxmemory", "1mb")
	w := set("h/later", 0, "later")
	require.ErrorContains(t, s.Put(t.Context(), []share.Write{w}), "OOM")
	require.Len(t, read(t, s, share.Position{}).waitSynced().records, 100)
	time.Sleep(1200 * time.Millisecond) // the feed asks for the mark
	r.do("config", "set", "maxmemory", "0")
	require.NoError(t, s.Put(t.Context(), []share.Write{w}))
	x.waitFor(w)
}

package hostredis_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/storetest"
)

// A ring is a Redis Cluster of three primaries, and a replica of the one that has the table.
type ring struct {
	primaries []*server
	replica   *server
}

func startRing(t *testing.T) *ring {
	settings := []string{"cluster-enabled yes", "cluster-node-timeout 1000", "cluster-replica-validity-factor 0", "repl-diskless-sync-delay 0"}
	x := &ring{replica: startServer(t, settings...)}
	for range 3 {
		x.primaries = append(x.primaries, startServer(t, settings...))
	}
	const slots = 16384
	for i, s := range x.primaries {
		s.do("cluster", "set-config-epoch", i+1)
		s.do("cluster", "addslotsrange", i*slots/3, (i+1)*slots/3-1)
		x.replica.do("cluster", "meet", "127.0.0.1", s.port())
	}
	for _, s := range x.all() {
		waitFor(t, "the cluster", func() bool {
			return s.says("cluster_state:ok", "cluster", "info") && s.says("cluster_known_nodes:4", "cluster", "info")
		})
	}
	x.replica.do("cluster", "replicate", x.primary(t).do("cluster", "myid"))
	waitFor(t, "the replica", func() bool { return x.replica.says("master_link_status:up", "info", "replication") })
	return x
}

func (x *ring) all() []*server { return append([]*server{x.replica}, x.primaries...) }

// primary returns the server that has the table at the beginning.
func (x *ring) primary(t *testing.T) *server {
	slot := fmt.Sprint(x.replica.do("cluster", "keyslot", meta))
	for _, s := range x.primaries {
		if _, err := s.try("hget", meta, "epoch"); err == nil || !strings.Contains(err.Error(), "MOVED "+slot) {
			return s
		}
	}
	t.Fatal("no server has the slot")
	return nil
}

func (x *ring) open(t *testing.T) share.Store {
	var addrs []string
	for _, s := range x.all() {
		addrs = append(addrs, s.addr)
	}
	return open(t, redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: addrs, DialerRetries: 1, ClusterStateReloadInterval: time.Hour,
	}))
}

// The primary of the table ends, and its replica is promoted. The client has an old list of nodes,
// and the node that it asks is gone. So no answer says where the table is.
func TestClusterOfThreePrimaries(t *testing.T) {
	t.Parallel()
	x := startRing(t)
	s := x.open(t)
	storetest.TestStore(t, func(*testing.T) share.Store { return s })

	fill(t, s, "h/", 50)
	r := read(t, s, share.Position{}).waitSynced()
	primary := x.primary(t)
	// A wait for the replica: what it does not have is a gap.
	waitFor(t, "the replica", func() bool {
		return strings.Contains(fmt.Sprint(primary.do("info", "replication")), ",lag=0") && primary.offset() == x.replica.offset()
	})
	primary.kill()
	waitFor(t, "the promotion", func() bool { return x.replica.says("role:master", "info", "replication") })
	w := set("h/later", 0, "later")
	waitFor(t, "a write", func() bool { return s.Put(t.Context(), []share.Write{w}) == nil })
	r.waitFor(w)
	require.Len(t, read(t, s, share.Position{}).waitSynced().records, 51)
}

// offset returns how far the history of a primary or a replica reaches.
func (s *server) offset() string {
	return regexp.MustCompile(`master_repl_offset:\d+`).FindString(fmt.Sprint(s.do("info", "replication")))
}

package hostredis_test

import (
	"fmt"
	"regexp"

	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostredis"
	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/storetest"
)

// A trio is a primary, a replica, and the Sentinel that watches them.
type trio struct {
	t                          *testing.T
	primary, replica, sentinel *server
}

func startTrio(t *testing.T) *trio {
	program(t, "redis-sentinel")
	settings := []string{
		"user replication on >pw -@all +psync +replconf +ping", "masteruser replication", "masterauth pw",
		"repl-diskless-sync-delay 0",
	}
	p := startServer(t, settings...)
	r := startServer(t, append(settings, "replicaof 127.0.0.1 "+p.port())...)
	s := startProgram(t, "redis-sentinel", "sentinel monitor hosts 127.0.0.1 "+p.port()+" 1",
		"sentinel down-after-milliseconds hosts 1000", "sentinel failover-timeout hosts 3000")
	x := &trio{t: t, primary: p, replica: r, sentinel: s}
	x.waitReplica()
	return x
}

// waitReplica waits until the replica has all changes, and Sentinel knows it.
func (x *trio) waitReplica() {
	waitFor(x.t, "the replica", func() bool {
		offset := regexp.MustCompile(`master_repl_offset:\d+`)
		has, _ := x.primary.try("info", "replication")
		return x.replica.says("master_link_status:up", "info", "replication") &&
			x.replica.says(offset.FindString(fmt.Sprint(has)), "info", "replication") &&
			x.sentinel.says(":"+x.replica.port(), "sentinel", "replicas", "hosts")
	})
}

// waitPrimary waits until a server is the primary, also for Sentinel.
func (x *trio) waitPrimary(s *server) {
	waitFor(x.t, "the promotion", func() bool {
		return s.says("role:master", "info", "replication") &&
			x.sentinel.says(s.port(), "sentinel", "get-master-addr-by-name", "hosts")
	})
}

// cut keeps further changes from the replica.
func (x *trio) cut() {
	x.primary.do("acl", "setuser", "replication", "off")
	x.primary.do("client", "kill", "type", "replica")
}

func (x *trio) open() *hostredis.Store {
	_, port, _ := strings.Cut(x.sentinel.addr, ":")
	return open(x.t, redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: "hosts", SentinelAddrs: []string{"127.0.0.1:" + port},
	}))
}

func TestStoreOnSentinel(t *testing.T) {
	t.Parallel()
	x := startTrio(t)
	s := x.open()
	storetest.TestStore(t, func(*testing.T) share.Store { return s })

	fill(t, s, "h/", 50)
	r := read(t, s, share.Position{}).waitSynced()
	t.Run("a failover without a loss is no gap", func(t *testing.T) {
		x.fence(1) // else the client goes on writing to the old primary, until Sentinel demotes it
		x.waitReplica()
		x.sentinel.do("sentinel", "failover", "hosts")
		x.waitPrimary(x.replica)
		x.primary, x.replica = x.replica, x.primary
		x.replica.do("replicaof", "127.0.0.1", x.primary.port()) // Sentinel does that after 8 s
		w := set("h/later", 0, "later")
		waitFor(t, "a write", func() bool { return s.Put(t.Context(), []share.Write{w}) == nil })
		r.waitFor(w)
		x.waitReplica()
	})
	t.Run("a failover that loses changes is a gap", func(t *testing.T) {
		x.fence(0)
		x.cut()
		lost := fill(t, s, "lost/", 10)
		r.waitFor(lost[9])
		x.primary.kill()
		x.waitPrimary(x.replica)
		require.ErrorIs(t, r.waitErr(), share.ErrGap)
		fill(t, s, "h/more/", 20)
		again := read(t, s, r.position()).waitSynced()
		require.True(t, again.first.Back)
		require.Len(t, again.records, 50+1+20)
	})
}

// fence sets how many replicas a primary needs to write.
func (x *trio) fence(replicas int) {
	for _, s := range []*server{x.primary, x.replica} {
		s.do("config", "set", "min-replicas-to-write", replicas)
	}
}

package hostredis_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostredis"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	c := redis.NewClient(&redis.Options{})
	defer func() { _ = c.Close() }()
	for _, bad := range []hostredis.Config{
		{},
		{Client: c, Namespace: "a{b"},
		{Client: c, Namespace: "a}b"},
		{Client: c, Namespace: "a b"},
		{Client: c, Namespace: "ä"},
		{Client: c, Namespace: strings.Repeat("n", 101)},
		{Client: c, Lapse: -time.Second},
		{Client: c, Log: 999},
		{Client: c, LogBytes: 1 << 20},
	} {
		_, err := hostredis.New(bad)
		require.ErrorIs(t, err, hostmgr.ErrInvalid, "%+v", bad)
	}
	_, err := hostredis.New(hostredis.Config{Client: c, Namespace: "Team_1:hosts-eu.west", Lapse: time.Minute, Log: 1000})
	require.NoError(t, err)
}

// Tables of two namespaces have nothing in common.
func TestNamespacesAreSeparate(t *testing.T) {
	t.Parallel()
	x := newTable(t)
	other, err := hostredis.New(hostredis.Config{Client: x.raw, Namespace: "other"})
	require.NoError(t, err)
	fill(t, x, "h/", 10)
	w := fill(t, other, "h/", 20)
	r := read(t, other, share.Position{}).waitSynced()
	require.Len(t, r.records, 20)
	require.EqualValues(t, 20, r.at.Revision)
	require.Len(t, read(t, x, share.Position{}).waitSynced().records, 10)
	require.NoError(t, x.raw.FlushDB(t.Context()).Err())
	require.ErrorIs(t, other.Put(t.Context(), []share.Write{{Key: "h/0", Expect: w[0].Version, Version: 5}}), share.ErrVersion)
}

func TestCheckWarns(t *testing.T) {
	t.Parallel()
	p := startServer(t, "maxmemory-policy allkeys-lru", "repl-diskless-sync-delay 0")
	r := startServer(t, "replicaof 127.0.0.1 "+p.port())
	waitFor(t, "the replica", func() bool { return p.says("state=online", "info", "replication") })
	var log bytes.Buffer
	c := p.client()
	defer func() { _ = c.Close() }()
	s, err := hostredis.New(hostredis.Config{Client: c, Lapse: 10 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	for _, want := range [][]string{
		{"maxmemory-policy is allkeys-lru", "min-replicas-to-write is 0"},
		{"maxmemory-policy is allkeys-lru", "min-replicas-max-lag is 10s"},
		{"maxmemory-policy is allkeys-lru"},
		{},
	} {
		got, err := s.Check(t.Context())
		require.NoError(t, err)
		require.Len(t, got, len(want))
		for i := range want {
			require.Contains(t, got[i], want[i])
		}
		switch len(want) {
		case 1:
			p.do("config", "set", "maxmemory-policy", "noeviction")
		case 2:
			if strings.Contains(want[1], "lag") {
				p.do("config", "set", "min-replicas-max-lag", 9)
			}
			p.do("config", "set", "min-replicas-to-write", 1)
		}
	}
	p.do("config", "set", "maxmemory-policy", "allkeys-lfu")
	for range 2 {
		require.NoError(t, s.Feed(t.Context(), share.Position{}, func(share.Frame) bool { return false }))
	}
	require.Equal(t, 1, strings.Count(log.String(), "allkeys-lfu"), "only the first feed checks")

	behind := open(t, redis.NewClient(&redis.Options{Addr: r.addr}))
	warnings, err := behind.Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"The client is connected to a replica."}, warnings)
	require.ErrorContains(t, behind.Feed(t.Context(), share.Position{}, func(share.Frame) bool { return true }), "READONLY")

	p.do("acl", "setuser", "default", "-info")
	_, err = s.Check(t.Context())
	require.ErrorContains(t, err, "INFO")
	p.do("acl", "setuser", "default", "+info", "-config|get")
	warnings, err = s.Check(t.Context())
	require.ErrorContains(t, err, "CONFIG GET")
	require.Len(t, warnings, 1)
}

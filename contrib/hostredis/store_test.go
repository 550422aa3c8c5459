package hostredis_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	miniserver "github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostredis"
	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/storetest"
)

// open returns a Store on a client, which it closes with the test.
func open(t testing.TB, c redis.UniversalClient) *hostredis.Store {
	t.Helper()
	t.Cleanup(func() { _ = c.Close() })
	s, err := hostredis.New(hostredis.Config{Client: c})
	require.NoError(t, err)
	return s
}

// newMiniredis starts a Redis in this process. It answers INFO by itself, because miniredis panics if
// that comes while it closes.
func newMiniredis(t testing.TB) *miniredis.Miniredis {
	m := miniredis.RunT(t)
	m.Server().SetPreHook(func(c *miniserver.Peer, command string, _ ...string) bool {
		if command != "INFO" {
			return false
		}
		c.WriteBulk("# Clients\r\nconnected_clients:1\r\n")
		return true
	})
	return m
}

func TestStoreOnMiniredis(t *testing.T) {
	t.Parallel()
	m := newMiniredis(t)
	s := open(t, redis.NewClient(&redis.Options{Addr: m.Addr()}))
	storetest.TestStore(t, func(*testing.T) share.Store { return s })
}

func TestStoreOnServer(t *testing.T) {
	t.Parallel()
	r := startServer(t)
	s := open(t, redis.NewClient(&redis.Options{Addr: r.addr}))
	storetest.TestStore(t, func(*testing.T) share.Store { return s })
}

package hostredis_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostredis"
	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/storetest"
)

const (
	meta     = "{hostlife}:m"
	eventLog = "{hostlife}:f"
)

func TestFaultsOfMiniredis(t *testing.T) {
	t.Parallel()
	storetest.TestFaults(t, func(t *testing.T) (share.Store, storetest.Faults) {
		p := newPair(t)
		return p, storetest.Faults{
			Lose: p.failOver,
			Wipe: func() { p.active().FlushAll() },
			Trim: func() {
				c := redis.NewClient(&redis.Options{Addr: p.active().Addr()})
				defer func() { _ = c.Close() }()
				require.NoError(t, c.XTrimMaxLen(t.Context(), eventLog, 1).Err())
			},
		}
	})
}

// A pair is a Store on a primary, and a replica that is some batches behind.
type pair struct {
	share.Store
	primary, replica *miniredis.Miniredis
	behind           *hostredis.Store // writes to the replica
	now              atomic.Pointer[miniredis.Miniredis]

	mu    sync.Mutex // guards queue
	queue [][]share.Write
}

func newPair(t *testing.T) *pair {
	p := &pair{primary: newMiniredis(t), replica: newMiniredis(t)}
	p.now.Store(p.primary)
	p.Store = open(t, redis.NewClient(&redis.Options{Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, p.active().Addr())
	}}))
	p.behind = open(t, redis.NewClient(&redis.Options{Addr: p.replica.Addr()}))
	require.NoError(t, p.Feed(t.Context(), share.Position{}, func(share.Frame) bool { return false }))
	for _, field := range []string{"epoch", "revision", "version"} {
		p.replica.HSet(meta, field, p.primary.HGet(meta, field))
	}
	return p
}

func (p *pair) active() *miniredis.Miniredis { return p.now.Load() }

// Put replicates a batch after some more have come.
func (p *pair) Put(ctx context.Context, batch []share.Write) error {
	if err := p.Store.Put(ctx, batch); err != nil || p.active() == p.replica {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, batch)
	if len(p.queue) > 10 {
		batch, p.queue = p.queue[0], p.queue[1:]
		return p.behind.Put(ctx, batch)
	}
	return nil
}

func (p *pair) failOver() {
	p.now.Store(p.replica)
	p.primary.Close()
}

func TestFaultsOfServer(t *testing.T) {
	t.Parallel()
	storetest.TestFaults(t, func(t *testing.T) (share.Store, storetest.Faults) {
		r := startServer(t, "appendonly yes", "appendfsync always", "aof-load-truncated yes", "auto-aof-rewrite-percentage 0")
		return open(t, redis.NewClient(&redis.Options{Addr: r.addr})), storetest.Faults{
			Lose: func() { r.restart(func() { cutTail(t, r.dir, 10) }) },
			Wipe: func() { r.do("flushall") },
			Trim: func() { r.do("xtrim", eventLog, "maxlen", 1) },
		}
	})
}

// cutTail cuts up to n of the last transactions from the append-only file. Each Put is one.
func cutTail(t *testing.T, dir string, n int) {
	files, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	for range n {
		if at := bytes.LastIndex(text, []byte("*1\r\n$5\r\nMULTI\r\n")); at >= 0 {
			text = text[:at]
		}
	}
	require.NoError(t, os.WriteFile(files[0], text, 0o600))
}

package hostredis_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A feed whose connection breaks continues after the latest change, without another snapshot.
func TestFeedReconnects(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := open(t, redis.NewClient(&redis.Options{Addr: server.addr}))
	r := read(t, s, share.Position{}).waitSynced()
	for i := range 10 {
		server.do("client", "kill", "type", "normal", "skipme", "yes")
		w := set("h/"+string(rune('a'+i)), 0, "")
		waitFor(t, "a write", func() bool { return s.Put(t.Context(), []share.Write{w}) == nil })
		r.waitFor(w)
	}
}

// The end of its context ends a feed at once: one that waits for changes, and one whose server does
// not answer.
func TestFeedEndsAtOnce(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t, startServer(t).addr)
	s := open(t, redis.NewClient(&redis.Options{Addr: proxy.addr()}))
	for _, hangs := range []bool{false, true} {
		r := read(t, s, share.Position{}).waitSynced()
		time.Sleep(20 * time.Millisecond) // it waits in XREAD; if not, the test shows less
		proxy.hangs.Store(hangs)
		start := time.Now()
		r.end()
		require.Less(t, time.Since(start), 500*time.Millisecond)
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Feed(ctx, share.Position{}, func(share.Frame) bool { return true }), context.DeadlineExceeded)
	require.ErrorIs(t, s.Put(ctx, []share.Write{set("a", 0, "")}), context.DeadlineExceeded)
	require.Less(t, time.Since(start), time.Second)
	proxy.end()
}

// The machine of the server is gone, and nothing says so: no answer comes. The feed waits for one no
// longer than the client does, and connects again.
func TestFeedNoticesASilentServer(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t, startServer(t).addr)
	for _, limit := range []time.Duration{200 * time.Millisecond, 3 * time.Second} {
		s := open(t, redis.NewClient(&redis.Options{Addr: proxy.addr(), ReadTimeout: limit}))
		r := read(t, s, share.Position{}).waitSynced()
		before, start := proxy.dials.Load(), time.Now()
		proxy.hangs.Store(true)
		waitFor(t, "another connection", func() bool { return proxy.dials.Load() > before })
		require.Less(t, time.Since(start), limit+4*time.Second)
		proxy.hangs.Store(false)
		w := set("h/"+limit.String(), 0, "")
		waitFor(t, "a write", func() bool { return s.Put(t.Context(), []share.Write{w}) == nil })
		r.waitFor(w)
		r.end()
	}
	proxy.end()
}

// The answer to a Put is lost. A client that repeats commands repeats no Put, which would be refused
// because of its own write.
func TestLostAnswerIsNotAConflict(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t)
	proxy := newProxy(t, cluster.addr)
	direct := open(t, redis.NewClient(&redis.Options{Addr: cluster.addr}))
	for name, c := range map[string]redis.UniversalClient{
		"single":  redis.NewClient(&redis.Options{Addr: proxy.addr(), MaxRetries: 5}),
		"cluster": redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{proxy.addr()}, MaxRetries: 5, ClusterSlots: proxy.slots}),
	} {
		s := open(t, c)
		before := set(name, 0, "before")
		require.NoError(t, s.Put(t.Context(), []share.Write{before}))
		proxy.drops.Store(true)
		w := set(name, before.Version, "after")
		err := s.Put(t.Context(), []share.Write{w})
		require.Error(t, err)
		require.NotErrorIs(t, err, share.ErrVersion)
		require.False(t, proxy.drops.Load())
		read(t, direct, share.Position{}).waitFor(w)
	}
}

// A proxy passes bytes to a server, and back.
type proxy struct {
	t      *testing.T
	listen net.Listener
	to     string
	hangs  atomic.Bool // it passes nothing
	drops  atomic.Bool // instead of passing the next answer, it closes the connection
	dials  atomic.Int64
	mu     sync.Mutex // guards conns
	conns  []net.Conn
	wait   sync.WaitGroup
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{t: t, listen: l, to: to}
	p.wait.Go(p.serve)
	t.Cleanup(p.end)
	return p
}

func (p *proxy) addr() string { return p.listen.Addr().String() }

func (p *proxy) slots(context.Context) ([]redis.ClusterSlot, error) {
	return []redis.ClusterSlot{{End: 16383, Nodes: []redis.ClusterNode{{Addr: p.addr()}}}}, nil
}

func (p *proxy) serve() {
	for {
		from, err := p.listen.Accept()
		if err != nil {
			return
		}
		p.dials.Add(1)
		to, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = from.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, from, to)
		p.mu.Unlock()
		p.wait.Go(func() { p.pass(to, from, false) })
		p.wait.Go(func() { p.pass(from, to, true) })
	}
}

func (p *proxy) pass(to, from net.Conn, answers bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || answers && p.drops.CompareAndSwap(true, false) {
			return
		}
		if p.hangs.Load() {
			continue
		}
		if _, err := io.Copy(to, strings.NewReader(string(buf[:n]))); err != nil {
			return
		}
	}
}

// end closes all connections.
func (p *proxy) end() {
	_ = p.listen.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wait.Wait()
}

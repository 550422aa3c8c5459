package peerd_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	grpcpeer "google.golang.org/grpc/peer"
)

// A firewall forgets connections: from then on their packets vanish, and neither side is
// told. New ones pass. (A proxy that takes the network away does not do that: it
// closes what lost packets when it gives the network back.)
type firewall struct {
	ln       net.Listener
	to       string
	epoch    atomic.Int64 // what is from an earlier one is forgotten
	accepted atomic.Int64
	wg       sync.WaitGroup
}

// build puts a firewall in front of an address.
func build(t *testing.T, to string) *firewall {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &firewall{ln: ln, to: to}
	f.wg.Go(f.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		f.wg.Wait()
	})
	return f
}

// accept ends when the listener is closed, and with it all that it let through.
func (f *firewall) accept() {
	for {
		inside, err := f.ln.Accept()
		if err != nil {
			return
		}
		f.accepted.Add(1)
		defer func() { _ = inside.Close() }()
		outside, err := net.Dial("tcp", f.to)
		if err != nil {
			_ = inside.Close()
			continue
		}
		defer func() { _ = outside.Close() }()
		epoch := f.epoch.Load()
		f.wg.Go(func() { f.pass(outside, inside, epoch) })
		f.wg.Go(func() { f.pass(inside, outside, epoch) })
	}
}

func (f *firewall) pass(to, from net.Conn, epoch int64) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		known := f.epoch.Load() == epoch
		if known && n > 0 {
			_, _ = to.Write(buf[:n])
		}
		if err != nil {
			if known {
				_ = to.Close()
			}
			return
		}
	}
}

// A peer whose connection is dead finds out before the timeout of two intervals
// is used up.
func TestGivesUpADeadConnection(t *testing.T) {
	t.Parallel()
	d, addr := fly(t, func(context.Context, int) error { return nil })
	f := build(t, addr)
	const interval = 3 * time.Second // enough for a busy machine
	be(t, f.ln.Addr().String(), "-interval", interval.String(), "-peers", "0")
	for n := range 3 {
		eventually(t, "is heard", func() bool { heard, _ := d.counts(); return heard > n })
		f.epoch.Add(1)
	}
	eventually(t, "is heard again", func() bool { heard, _ := d.counts(); return heard > 3 })
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range 3 {
		require.Less(t, d.announces[i+1].Sub(d.announces[i]), 2*interval)
	}
}

// One call that is not answered says nothing of a connection on which others are.
func TestKeepsAConnectionThatIsSlowForOne(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	conns := map[string]bool{}
	d, addr := fly(t, func(ctx context.Context, n int) error {
		p, _ := grpcpeer.FromContext(ctx)
		mu.Lock()
		conns[p.Addr.String()] = true
		mu.Unlock()
		if n == 5 {
			<-ctx.Done()
		}
		return ctx.Err()
	})
	be(t, addr, "-hosts", "40", "-interval", "6s", "-peers", "0")
	eventually(t, "are heard", func() bool { n, _ := d.counts(); return n >= 60 })
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, conns, 1)
}

package peerd

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
)

// A line is the connection of some or all hosts of this process. It replaces a dead connection. A
// connection can die without an error: a firewall forgets it and drops its packets. gRPC's
// keepalive needs at least ten seconds to detect that, which is too long for shorter timeouts.
type line struct {
	addr string

	mu       sync.Mutex    // guards all below
	interval time.Duration // that conn was made for
	conn     *grpc.ClientConn
	heard    time.Time // of the latest answer, or when conn was made
	kept     bool      // conn is not replaced any more
}

func newLine(addr string, interval time.Duration) (*line, error) {
	conn, err := grpc.NewClient(addr, dialOptions(interval)...)
	return &line{addr: addr, interval: interval, conn: conn, heard: time.Now()}, err
}

// Invoke implements grpc.ClientConnInterface.
func (l *line) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return l.now().Invoke(ctx, method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface.
func (l *line) NewStream(ctx context.Context, d *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return l.now().NewStream(ctx, d, method, opts...)
}

func (l *line) now() *grpc.ClientConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn
}

// judge takes the result of a call into account. If the call timed out, and a connection that is up
// gave no answer to any call in that time, the connection counts as dead. A connection that is not
// up yet is left to gRPC: the scheduler may be far away.
func (l *line) judge(began time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch c := status.Code(err); {
	case c == codes.DeadlineExceeded:
		if l.heard.Before(began) && l.conn.GetState() == connectivity.Ready && !l.kept {
			l.renew()
		}
	case c != codes.Unavailable && c != codes.Canceled:
		l.heard = time.Now()
	}
}

// renew replaces the connection. Calls in flight on the old one fail; they would get no answer
// anyway. The caller holds mu.
func (l *line) renew() {
	conn, err := grpc.NewClient(l.addr, dialOptions(l.interval)...)
	if err != nil {
		return // newLine succeeded with the same arguments
	}
	_ = l.conn.Close()
	l.conn, l.heard = conn, time.Now()
}

// hurry is called before an attempt is repeated. The backoff of a connection is fixed when it is
// made. So a connection that is down, and was made for a longer interval, is replaced by one that
// connects now. One that was made for a shorter interval stays: it only reconnects sooner than
// needed. Differences of up to a quarter are ignored, so that hosts with similar intervals do not
// replace it in turn.
func (l *line) hurry(interval time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interval > interval+interval/4 && l.conn.GetState() != connectivity.Ready && !l.kept {
		l.interval = interval
		l.renew()
	}
}

// keep stops the replacement of the connection. A host tries to leave once, and must not fail
// because another host gets no answer. If the connection is not up, it connects at once, without
// backoff.
func (l *line) keep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.kept {
		l.kept = true
		l.conn.ResetConnectBackoff()
	}
}

func (l *line) close() { _ = l.now().Close() }

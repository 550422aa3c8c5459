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

// A line is the connection of some hosts of this process, or all, and another one when
// it is dead. A connection can be that without anybody being told: a firewall forgets
// it, and its packets vanish. gRPC's keepalive would take ten seconds at least to
// find out, which is too long where patience is shorter.
type line struct {
	addr string

	mu       sync.Mutex    // guards all below
	interval time.Duration // that conn is quick enough for
	conn     *grpc.ClientConn
	heard    time.Time // when there was last an answer, or conn was made
	kept     bool      // from now on it stays this connection
}

func newLine(addr string, interval time.Duration) (*line, error) {
	conn, err := grpc.NewClient(addr, dialOptions(interval)...)
	return &line{addr: addr, interval: interval, conn: conn, heard: time.Now()}, err
}

// Invoke and NewStream make a line what a client calls.
func (l *line) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return l.now().Invoke(ctx, method, args, reply, opts...)
}

// NewStream is like Invoke.
func (l *line) NewStream(ctx context.Context, d *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return l.now().NewStream(ctx, d, method, opts...)
}

func (l *line) now() *grpc.ClientConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn
}

// judge learns how a call ended that began then. If its time ran out, and all that
// time nobody was answered on a connection that is up, that one is taken for dead.
// One that is not up yet is gRPC's: it may just be far away.
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

// renew ends the calls that are under way on the old connection, which get no
// answer anyway. The caller holds mu.
func (l *line) renew() {
	conn, err := grpc.NewClient(l.addr, dialOptions(l.interval)...)
	if err != nil {
		return // it was no problem the first time
	}
	_ = l.conn.Close()
	l.conn, l.heard = conn, time.Now()
}

// hurry is called before an attempt is repeated. How soon gRPC tries to connect again is
// settled when a connection is made; so one that is down, and was made for a longer interval
// than is used now, makes way for one that tries now. (For a longer interval it stays: it
// is only sooner up than it need be.) Hosts that were told about the same are content with one.
func (l *line) hurry(interval time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interval > interval+interval/4 && l.conn.GetState() != connectivity.Ready && !l.kept {
		l.interval = interval
		l.renew()
	}
}

// keep keeps the connection that there is now. Who leaves tries that once, and
// shall not have it ended because another host is not answered. If it is not up, that
// is tried at once: there is no time for pauses.
func (l *line) keep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.kept {
		l.kept = true
		l.conn.ResetConnectBackoff()
	}
}

func (l *line) close() { _ = l.now().Close() }

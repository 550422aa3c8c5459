package schedulerd

import (
	"context"
	"net"

	"google.golang.org/grpc/credentials"
	grpcpeer "google.golang.org/grpc/peer"
)

// A client is one connection.
type client struct {
	net.Conn
	sends  *sends
	held   int
	closed bool
}

func clientOf(ctx context.Context) *client {
	p, ok := grpcpeer.FromContext(ctx)
	if !ok {
		return nil
	}
	c, _ := p.AuthInfo.(*client)
	return c
}

// AuthType makes a client an AuthInfo, which gRPC passes to the calls of its connection.
func (*client) AuthType() string { return "insecure" }

// hold counts bytes, if there is room for them. An answer that is larger than the limit is allowed if
// it is the only one.
func (c *client) hold(n int) error {
	c.sends.mu.Lock()
	defer c.sends.mu.Unlock()
	switch {
	case c.closed:
		return errClosed
	case c.sends.held > 0 && c.sends.held+n > maxUnsent:
		return errUnsent
	}
	c.held += n
	c.sends.held += n
	return nil
}

func (c *client) release(n int) {
	c.sends.mu.Lock()
	defer c.sends.mu.Unlock()
	if !c.closed {
		c.held -= n
		c.sends.held -= n
	}
}

// Close releases the answers that gRPC drops with a connection, because gRPC does not report them
// one by one.
func (c *client) Close() error {
	c.sends.mu.Lock()
	if !c.closed {
		c.closed = true
		c.sends.held -= c.held
	}
	c.sends.mu.Unlock()
	return c.Conn.Close()
}

// Plaintext credentials make each connection a client.
type plaintext struct {
	credentials.TransportCredentials
	sends *sends
}

func (p plaintext) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c := &client{Conn: conn, sends: p.sends}
	return c, c, nil
}

func (p plaintext) Clone() credentials.TransportCredentials { return p }

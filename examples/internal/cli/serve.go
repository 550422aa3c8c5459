package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	maxBody    = 64 << 10 // bytes of a request
	lastAnswer = 5 * time.Second
)

// ServeHTTP listens on addr, prints the address, and serves as Serve does.
func ServeHTTP(ctx context.Context, addr string, h http.Handler, stdout io.Writer) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr())
	return Serve(ctx, l, h)
}

// Serve serves until ctx ends and all requests are answered, for at most five seconds more. The
// contexts of the requests end when ctx does. Bodies are bounded. A request that a page of another
// site makes is refused, unless its method is GET or HEAD.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:     http.MaxBytesHandler(http.NewCrossOriginProtection().Handler(h), maxBody),
		ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastAnswer)
	defer cancel()
	err := server.Shutdown(limit)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// A GRPCServer is a *grpc.Server.
type GRPCServer interface {
	Serve(net.Listener) error
	GracefulStop()
	Stop()
}

// ServeGRPC listens on addr, prints the address, and serves until ctx ends and all calls are
// answered, for at most five seconds more.
func ServeGRPC(ctx context.Context, addr string, server GRPCServer, stdout io.Writer) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "listening on %s\n", l.Addr())
	stopped := make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		defer close(stopped)
		defer time.AfterFunc(lastAnswer, server.Stop).Stop()
		server.GracefulStop()
	})()
	if err := server.Serve(l); err != nil {
		return err // before ctx ended
	}
	<-stopped
	return nil
}

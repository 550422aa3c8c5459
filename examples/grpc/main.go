// Command grpc takes each gRPC call as a contact of the host that makes it. A client names its host
// in the metadata of its calls. The service is gRPC's health service; any other one works as well.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("grpc", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:8082", "`address` to listen on; hosts are not authenticated")
	interval := fs.Duration("interval", 30*time.Second, "`time` between the calls of a host")
	if err := cli.Parse(fs, "Command grpc takes each call as a contact of the calling host.", args, stdout); err != nil {
		return err
	}
	group, running := errgroup.WithContext(ctx)
	t, err := newTracker(running, *interval, stdout)
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "listening on %s\n", l.Addr())
	server := newServer(t)
	group.Go(func() error { return server.Serve(l) })
	group.Go(func() error { return t.hosts.Run(running) })
	group.Go(func() error {
		<-running.Done() // it ends all streams, for which GracefulStop would wait
		defer time.AfterFunc(5*time.Second, server.Stop).Stop()
		server.GracefulStop()
		return nil
	})
	return cli.Drain(group.Wait(), t.hosts.Drain)
}

func newServer(t *tracker) *grpc.Server {
	server := grpc.NewServer(
		grpc.UnaryInterceptor(t.unary), grpc.StreamInterceptor(t.stream),
		grpc.MaxRecvMsgSize(64<<10), grpc.MaxConcurrentStreams(100), grpc.ConnectionTimeout(10*time.Second),
	)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	return server
}

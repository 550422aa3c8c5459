// Command grpc treats each unary call as a contact of the calling host. A host sends its id in the
// metadata of its calls. The service is gRPC's health service; any other one works as well.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/wire"
	"github.com/hostlife/hostlife/hostmgr"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("grpc", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:8082", "listen on `address`; hosts are not authenticated")
	if err := cli.Parse(fs, "Command grpc takes calls as contacts.", args, stdout); err != nil {
		return err
	}
	hosts, _ := hostmgr.New(hostmgr.Config[struct{}]{ // this Config is valid
		Cleanup: func(_ context.Context, d hostmgr.Departure[struct{}]) error {
			// A service frees here what calls have stored for d.Host.Registration.
			_, err := fmt.Fprintf(stdout, "%s %s: %s\n", d.Host.ID, d.Kind, d.Reason())
			return err
		},
	})
	contacts := grpc.UnaryInterceptor(interceptor{hosts}.contact)
	server := grpc.NewServer(contacts, grpc.MaxRecvMsgSize(64<<10))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return hosts.Run(running) })
	group.Go(func() error { return cli.ServeGRPC(running, *addr, server, stdout) })
	return cli.Drain(group.Wait(), hosts, stdout)
}

type interceptor struct{ hosts *hostmgr.Registry[struct{}] }

// A registrationKey is the key of the registration in the context of a call.
type registrationKey struct{}

// contact calls the handler within While. So either the cleanup finds what the handler has stored
// for the registration, or the call fails because the registration has ended.
func (i interceptor) contact(
	ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (answer any, failed error) {
	md, _ := metadata.FromIncomingContext(ctx)
	incarnation, err := wire.Incarnation(md)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	id := strings.Join(md.Get("hostlife-host"), ",")
	a := hostmgr.Announcement[struct{}]{ID: id, Incarnation: incarnation}
	ack, err := i.hosts.Announce(a) // registers the host, or records a contact
	if err == nil {
		err = i.hosts.While(id, ack.Registration, func() error {
			ctx = context.WithValue(ctx, registrationKey{}, ack.Registration)
			answer, failed = handle(ctx, request)
			return nil
		})
	}
	if err != nil {
		return nil, status.Error(codes.FailedPrecondition, err.Error())
	}
	return answer, failed
}

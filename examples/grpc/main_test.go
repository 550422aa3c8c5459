package main

import (
	"bytes"
	"context"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/hostlife/hostlife/examples/internal/clitest"
	"github.com/hostlife/hostlife/examples/internal/wire"
	"github.com/hostlife/hostlife/hostmgr"
)

// as returns a context for the calls of a host.
func as(ctx context.Context, id, incarnation string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "hostlife-host", id, wire.IncarnationKey, incarnation)
}

func check(ctx context.Context, conn *grpc.ClientConn) codes.Code {
	_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return status.Code(err)
}

// A host that calls stays. When it no longer does, it is evicted.
func TestCallsAreContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts, err := hostmgr.New(hostmgr.Config[struct{}]{})
		require.NoError(t, err)
		server := grpc.NewServer(grpc.UnaryInterceptor(interceptor{hosts}.contact))
		grpc_health_v1.RegisterHealthServer(server, health.NewServer())
		l := bufconn.Listen(64 << 10)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = server.Serve(l) })
		running.Go(func() { _ = hosts.Run(ctx) })
		conn, err := grpc.NewClient("passthrough:///server",
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
		require.NoError(t, err)

		for range 100 {
			require.Equal(t, codes.OK, check(as(ctx, "a", "7"), conn))
			time.Sleep(50 * time.Second)
		}
		require.Equal(t, 1, hosts.Len())
		time.Sleep(11 * time.Second)
		require.Zero(t, hosts.Len())
		require.EqualValues(t, 1, hosts.Stats().Departures.Evicted)
		require.NoError(t, conn.Close())
		stop()
		server.GracefulStop()
		running.Wait()
	})
}

func TestCommand(t *testing.T) {
	p := clitest.Start(t, run, "-addr", "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(t.Context(), clitest.Deadline)
	defer cancel()
	conn, err := grpc.NewClient(p.After("listening on "), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()

	require.Equal(t, codes.OK, check(as(ctx, "a", "7"), conn))
	require.Equal(t, codes.OK, check(as(ctx, "a", "8"), conn))
	require.Contains(t, p.After("a replaced: "), "newer incarnation")
	require.Equal(t, codes.FailedPrecondition, check(as(ctx, "a", "7"), conn))
	require.Equal(t, codes.InvalidArgument, check(as(ctx, "a", "x"), conn))
	require.Equal(t, codes.FailedPrecondition, check(ctx, conn), "a call of no host")
	require.NoError(t, p.Interrupt())
	p.After("end: hosts registered: 1, departed: 1, cleanups pending: 0")
}

// calling makes a call of a host without a server.
func calling(ctx context.Context, hosts *hostmgr.Registry[struct{}], handle grpc.UnaryHandler) error {
	ctx = metadata.NewIncomingContext(ctx, metadata.Pairs("hostlife-host", "a"))
	_, err := interceptor{hosts}.contact(ctx, nil, nil, handle)
	return err
}

// Calls store data while their host is evicted. No data outlive their registration.
func TestNoDataOutliveTheirRegistration(t *testing.T) {
	var data sync.Map // by registration
	hosts, err := hostmgr.New(hostmgr.Config[struct{}]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[struct{}]) error {
			data.Delete(d.Host.Registration)
			return nil
		},
	})
	require.NoError(t, err)
	for range 2000 {
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() {
				_ = calling(t.Context(), hosts, func(ctx context.Context, _ any) (any, error) {
					runtime.Gosched() // the host may be evicted here
					data.Store(ctx.Value(registrationKey{}), true)
					return nil, nil
				})
			})
		}
		calls.Go(func() {
			for hosts.Evict(t.Context(), "a", 0, "a test") != nil {
				runtime.Gosched() // it has not joined yet
			}
		})
		calls.Wait()
		_ = hosts.Evict(t.Context(), "a", 0, "a test") // it may have joined again
		require.NoError(t, hosts.Drain(t.Context()))
		data.Range(func(registration, _ any) bool {
			t.Fatalf("data of registration %d are left", registration)
			return false
		})
	}
}

// The cleanup waits for a call that is being served.
func TestCleanupComesAfterTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order bytes.Buffer
		hosts, err := hostmgr.New(hostmgr.Config[struct{}]{
			Cleanup: func(context.Context, hostmgr.Departure[struct{}]) error {
				order.WriteString("cleanup")
				return nil
			},
		})
		require.NoError(t, err)
		var calls sync.WaitGroup
		calls.Go(func() {
			_ = calling(t.Context(), hosts, func(context.Context, any) (any, error) {
				time.Sleep(time.Minute)
				order.WriteString("call, ")
				return nil, nil
			})
		})
		synctest.Wait()
		require.NoError(t, hosts.Leave(t.Context(), "a", 0))
		calls.Wait()
		require.Equal(t, "call, cleanup", order.String())
	})
}

package main

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
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
	return metadata.AppendToOutgoingContext(ctx, hostKey, id, wire.IncarnationKey, incarnation)
}

func dial(t *testing.T, addr string) grpc_health_v1.HealthClient {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return grpc_health_v1.NewHealthClient(conn)
}

// watch opens a stream, and receives its first message.
func watch(ctx context.Context, t *testing.T, client grpc_health_v1.HealthClient) grpc_health_v1.Health_WatchClient {
	t.Helper()
	stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.NoError(t, err)
	return stream
}

func start(t *testing.T) (*clitest.Process, grpc_health_v1.HealthClient, context.Context) {
	t.Helper()
	p := clitest.Start(t, run, "-addr", "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(t.Context(), clitest.Deadline)
	t.Cleanup(cancel)
	return p, dial(t, p.After("listening on ")), ctx
}

// A host that calls stays. When it no longer does, it is evicted, and its stream ends.
func TestCallsAreContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		tracker, err := newTracker(ctx, 30*time.Second, io.Discard)
		require.NoError(t, err)
		l, server := bufconn.Listen(64<<10), newServer(tracker)
		var running sync.WaitGroup
		running.Go(func() { _ = server.Serve(l) })
		running.Go(func() { _ = tracker.hosts.Run(ctx) })
		conn, err := grpc.NewClient("passthrough:///server", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
		require.NoError(t, err)
		client := grpc_health_v1.NewHealthClient(conn)

		stream := watch(as(ctx, "a", "7"), t, client)
		for range 100 {
			time.Sleep(50 * time.Second)
			_, err := client.Check(as(ctx, "a", "7"), &grpc_health_v1.HealthCheckRequest{})
			require.NoError(t, err)
		}
		require.Zero(t, tracker.hosts.Stats().Departures.Evicted)
		begun := time.Now()
		_, err = stream.Recv()
		require.Equal(t, codes.Canceled, status.Code(err))
		require.InDelta(t, 60, time.Since(begun).Seconds(), 1)
		require.EqualValues(t, 1, tracker.hosts.Stats().Departures.Evicted)
		require.NoError(t, conn.Close())
		stop()
		server.GracefulStop()
		running.Wait()
	})
}

func TestNewerIncarnationEndsTheStreamsOfTheOlder(t *testing.T) {
	p, client, ctx := start(t)
	stream := watch(as(ctx, "a", "7"), t, client)
	newer := watch(as(ctx, "a", "8"), t, client)
	_, err := stream.Recv()
	require.Equal(t, codes.Canceled, status.Code(err))
	_, err = client.Check(as(ctx, "a", "7"), &grpc_health_v1.HealthCheckRequest{})
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	_, err = client.Check(as(ctx, "a", "x"), &grpc_health_v1.HealthCheckRequest{})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.NoError(t, newer.CloseSend())
	require.Contains(t, p.After("a replaced: "), "newer incarnation")
}

// Calls of no host pass, and are no contacts. The end of the command ends their streams too.
func TestCallsOfNoHost(t *testing.T) {
	p, client, ctx := start(t)
	stream := watch(ctx, t, client)
	require.NoError(t, p.Interrupt())
	_, err := stream.Recv()
	require.Error(t, err)
	output, _ := p.Output()
	require.NotContains(t, output, "left")
}

// Streams are opened while their host departs. No stream outlives its registration, and nothing is
// left behind for it.
func TestNoStreamOutlivesItsRegistration(t *testing.T) {
	tracker, err := newTracker(t.Context(), time.Minute, io.Discard)
	require.NoError(t, err)
	for range 2000 {
		ack, err := tracker.hosts.Announce(hostmgr.Announcement[struct{}]{ID: "a"})
		require.NoError(t, err)
		var calls sync.WaitGroup
		lives := make([]context.Context, 2)
		for i := range lives {
			calls.Go(func() { lives[i], _ = tracker.life("a", ack) })
		}
		calls.Go(func() { _ = tracker.hosts.Evict(t.Context(), "a", 0, "a test") })
		calls.Wait()
		require.NoError(t, tracker.hosts.Drain(t.Context()))
		for _, life := range lives {
			require.True(t, life == nil || life.Err() != nil, "it ends the stream")
		}
		tracker.lives.Range(func(registration, _ any) bool {
			t.Fatalf("a life of registration %d is left", registration)
			return false
		})
	}
}

var _ grpc.ServerStream = (*stream)(nil)

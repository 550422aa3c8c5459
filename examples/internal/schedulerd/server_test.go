package schedulerd_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
)

func codeOf(err error) codes.Code { return status.Code(err) }

func TestPeersLiveAsLongAsTheirHost(t *testing.T) {
	s := start(t)
	requireCode(t, codes.NotFound, s.register("h", "task", "peer"))
	s.mustAnnounce(t.Context(), "h", time.Minute)
	resp, err := s.announcePeer(t.Context(), registration("h", "task", "peer"))
	require.NoError(t, err)
	require.NoError(t, resp.Validate())
	require.NotNil(t, resp.GetNeedBackToSourceResponse())

	p, err := s.stat("h", "task", "peer")
	require.NoError(t, err)
	require.NoError(t, p.Validate(), "what a Dragonfly client is given")
	require.Equal(t, "ReceivedNormal", p.GetState())
	require.Equal(t, "name-of-h", p.GetHost().GetHostname())
	require.Equal(t, "https://example.com/task", p.GetTask().GetUrl())

	require.NoError(t, s.leave(t.Context(), "h"))
	_, err = s.stat("h", "task", "peer")
	requireCode(t, codes.NotFound, err)
}

func TestPeersGoWithTheirIncarnation(t *testing.T) {
	s := start(t)
	s.mustAnnounce(as(t, "1"), "h", time.Minute)
	require.NoError(t, s.register("h", "task", "peer"))
	s.mustAnnounce(as(t, "2"), "h", time.Minute)
	require.Eventually(t, func() bool {
		_, err := s.stat("h", "task", "peer")
		return codeOf(err) == codes.NotFound
	}, longWait, time.Millisecond)
}

// A former incarnation neither registers peers in the registration that came after it nor
// speaks for those that are there.
func TestStalePeers(t *testing.T) {
	s := start(t)
	s.mustAnnounce(as(t, "5"), "h", time.Minute)
	require.NoError(t, s.registerAs(as(t, "5"), "h", "task", "old"))
	s.mustAnnounce(as(t, "6"), "h", time.Minute)
	require.NoError(t, s.registerAs(as(t, "6"), "h", "task", "new"))

	requireCode(t, codes.FailedPrecondition, s.registerAs(as(t, "5"), "h", "task", "stale"))
	_, err := s.announcePeer(as(t, "5"), finished("h", "task", "new"))
	requireCode(t, codes.FailedPrecondition, err)
	requireCode(t, codes.InvalidArgument, s.registerAs(as(t, "five"), "h", "task", "x"))

	_, err = s.stat("h", "task", "stale")
	requireCode(t, codes.NotFound, err)
	p, err := s.stat("h", "task", "new")
	require.NoError(t, err)
	require.Equal(t, "ReceivedNormal", p.GetState())
	require.NoError(t, s.register("h", "task", "unsigned"), "without an incarnation it is the current one")
}

func TestPeerReports(t *testing.T) {
	s := start(t)
	s.mustAnnounce(t.Context(), "h", time.Minute)
	stream, err := s.v2.AnnouncePeer(t.Context())
	require.NoError(t, err)
	send := func(r *schedulerv2.AnnouncePeerRequest) {
		require.NoError(t, stream.Send(r))
	}
	send(registration("h", "task", "peer"))
	_, err = stream.Recv()
	require.NoError(t, err)
	send(finished("h", "task", "peer"))
	require.NoError(t, stream.CloseSend())
	_, err = stream.Recv()
	require.ErrorIs(t, err, io.EOF)
	p, err := s.stat("h", "task", "peer")
	require.NoError(t, err)
	require.Equal(t, "Succeeded", p.GetState())

	del := &schedulerv2.DeletePeerRequest{HostId: "h", TaskId: "task", PeerId: "peer"}
	_, err = s.v2.DeletePeer(t.Context(), del)
	require.NoError(t, err)
	_, err = s.v2.DeletePeer(t.Context(), del)
	requireCode(t, codes.NotFound, err)
	_, err = s.announcePeer(t.Context(), finished("h", "task", "peer"))
	requireCode(t, codes.NotFound, err)
}

func TestLimits(t *testing.T) {
	s := start(t, "-max-hosts", "1")
	huge := host("h")
	huge.Hostname = strings.Repeat("x", 2<<20)
	_, err := s.v2.AnnounceHost(t.Context(), &schedulerv2.AnnounceHostRequest{Host: huge})
	requireCode(t, codes.ResourceExhausted, err)

	s.mustAnnounce(t.Context(), "h", time.Minute)
	_, err = s.announce(t.Context(), "one too many", time.Minute)
	requireCode(t, codes.ResourceExhausted, err)

	stream, err := s.v2.AnnouncePeer(t.Context())
	require.NoError(t, err)
	for i := range 1024 {
		require.NoError(t, stream.Send(registration("h", "task", fmt.Sprint(i))))
		_, err = stream.Recv()
		require.NoError(t, err)
	}
	require.NoError(t, stream.Send(registration("h", "task", "one too many")))
	_, err = stream.Recv()
	requireCode(t, codes.ResourceExhausted, err)
	require.NoError(t, s.register("h", "task", "7"), "one that is there already")
}

func TestHealthAndReflection(t *testing.T) {
	s := start(t)
	for _, service := range []string{"", "scheduler.Scheduler", "scheduler.v2.Scheduler"} {
		r, err := grpc_health_v1.NewHealthClient(s.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
		require.NoError(t, err)
		require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, r.GetStatus())
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := grpc_reflection_v1.NewServerReflectionClient(s.conn).ServerReflectionInfo(ctx)
	require.NoError(t, err)
	require.NoError(t, stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
	}))
	r, err := stream.Recv()
	require.NoError(t, err)
	require.Contains(t, r.String(), "scheduler.v2.Scheduler")
}

// A stop fails health checks first, lets the call in flight finish,
// takes no new ones, and does not wait for ever.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.mustAnnounce(t.Context(), "h", time.Minute)
	watch, err := grpc_health_v1.NewHealthClient(s.conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = watch.Recv()
	require.NoError(t, err)
	stream, err := s.v2.AnnouncePeer(t.Context())
	require.NoError(t, err)
	require.NoError(t, stream.Send(registration("h", "task", "one")))
	_, err = stream.Recv()
	require.NoError(t, err)

	s.stop()
	r, err := watch.Recv()
	require.NoError(t, err)
	require.Equal(t, grpc_health_v1.HealthCheckResponse_NOT_SERVING, r.GetStatus())
	require.Eventually(t, func() bool { return refused(s.conn.Target()) }, longWait, time.Millisecond)
	require.NoError(t, stream.Send(registration("h", "task", "two")))
	_, err = stream.Recv()
	require.NoError(t, err, "a call in flight may go on")

	select { // the watch never ends by itself
	case err := <-s.done:
		require.NoError(t, err)
		s.done <- nil
	case <-time.After(longWait):
		t.Fatal("does not stop")
	}
}

func TestCommandLine(t *testing.T) {
	var out bytes.Buffer
	err := schedulerd.Main(t.Context(), []string{"-help"}, &out, io.Discard)
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, want := range []string{"go run ./examples/scheduler -listen", "-policy", "(default 30s)", "(default 5m0s)", "SIGUSR1", "-cpuprofile", "hostlife-incarnation", "hostlife-interval", "hostlife-registration", "-pacing MIN/MAX/PERSECOND/JITTER",
		"-record FILE", "go run ./examples/replay -format hostlife -trace FILE"} {
		require.Contains(t, out.String(), want)
	}
	for _, args := range [][]string{{"-policy", "lenient"}, {"-log", "xml"}, {"-nonsense"}, {"extra"}} {
		require.ErrorIs(t, schedulerd.Main(t.Context(), args, io.Discard, io.Discard), cli.ErrUsage, "%v", args)
	}
	for _, args := range [][]string{
		{"-multiple", "0.5"}, {"-multiple", "NaN"}, {"-multiple", "Inf"}, {"-stall-threshold", "1ms"}, {"-max-hosts", "-1"},
		{"-jitter", "0", "-policy", "tiered"}, {"-jitter", "2s", "-offline", "1s", "-policy", "tiered"},
		{"-offline", "1000000h", "-policy", "tiered"},
	} {
		err = schedulerd.Main(t.Context(), args, io.Discard, io.Discard)
		require.ErrorIs(t, err, cli.ErrUsage, "%v", args)
		require.ErrorContains(t, err, args[0])
	}
	err = schedulerd.Main(t.Context(), []string{"-listen", "127.0.0.1:http-nonsense"}, io.Discard, io.Discard)
	require.Error(t, err)
	require.False(t, errors.Is(err, cli.ErrUsage))
}

// What clients do to one host at the same time leaves none of its peers behind.
func TestChurnOverTheWire(t *testing.T) {
	s := start(t, "-multiple", "1.1")
	done := make(chan struct{})
	const clients, rounds = 8, 60
	for c := range clients {
		go func() {
			defer func() { done <- struct{}{} }()
			id := fmt.Sprintf("h%d", c%2)
			for i := range rounds {
				_, _ = s.announce(t.Context(), id, 10*time.Millisecond)
				if stream, err := s.v2.AnnouncePeer(t.Context()); err == nil {
					_ = stream.Send(registration(id, "task", fmt.Sprint(i)))
					_ = stream.CloseSend()
					for err == nil {
						_, err = stream.Recv()
					}
				}
				if i%5 == c {
					_ = s.leave(t.Context(), id)
				}
			}
		}()
	}
	for range clients {
		<-done
	}
	require.Eventually(t, func() bool { return len(s.list()) == 0 }, longWait, 5*time.Millisecond)
	for _, id := range []string{"h0", "h1"} {
		for i := range rounds {
			require.Eventually(t, func() bool {
				_, err := s.stat(id, "task", fmt.Sprint(i))
				return codeOf(err) == codes.NotFound
			}, longWait, time.Millisecond)
		}
	}
}

package schedulerd_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv1 "d7y.io/api/v2/pkg/apis/scheduler/v1"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/examples/internal/wire"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// asCommand in the environment has this executable be the command.
const asCommand = "HOSTLIFE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		cli.Main(schedulerd.Main)
	}
	_ = flag.Set("test.parallel", "6") // these tests wait more than they work
	goleak.VerifyTestMain(m)
}

// longWait is how long a test waits for what must happen.
const longWait = 30 * time.Second

// A scheduler is the command, with clients that are connected to it.
type scheduler struct {
	t    *testing.T
	conn *grpc.ClientConn
	v1   schedulerv1.SchedulerClient
	v2   schedulerv2.SchedulerClient
	stop context.CancelFunc
	done chan error
	log  *buffer
	out  *buffer // but the first line
}

// start runs the command until the test ends.
func start(t *testing.T, args ...string) *scheduler {
	t.Helper()
	return startCommand(t, schedulerd.Main, args...)
}

func startCommand(t *testing.T, run cli.Command, args ...string) *scheduler {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &scheduler{t: t, stop: stop, done: make(chan error, 1), log: &buffer{}, out: &buffer{}}
	out, stdout := io.Pipe()
	go func() {
		s.done <- run(ctx, append([]string{"-listen", "127.0.0.1:0"}, args...), stdout, s.log)
		_ = stdout.Close()
	}()
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	require.NoError(t, err)
	go func() { _, _ = io.Copy(s.out, lines) }()
	s.connect(first)
	t.Cleanup(func() {
		require.NoError(t, s.conn.Close())
		stop()
		require.NoError(t, <-s.done)
	})
	return s
}

// connect makes clients of the scheduler whose first line this is.
func (s *scheduler) connect(first string) {
	s.t.Helper()
	addr, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	require.True(s.t, ok, first)
	var err error
	s.conn, err = grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(s.t, err)
	s.v1, s.v2 = schedulerv1.NewSchedulerClient(s.conn), schedulerv2.NewSchedulerClient(s.conn)
}

// announce announces a valid host over v2 and returns the ack.
func (s *scheduler) announce(ctx context.Context, id string, interval time.Duration) (wire.Ack, error) {
	var header metadata.MD
	_, err := s.v2.AnnounceHost(ctx, &schedulerv2.AnnounceHostRequest{
		Host: host(id), Interval: durationpb.New(interval),
	}, grpc.Header(&header))
	return wire.ReadAck(header), err
}

func (s *scheduler) mustAnnounce(ctx context.Context, id string, interval time.Duration) wire.Ack {
	s.t.Helper()
	l, err := s.announce(ctx, id, interval)
	require.NoError(s.t, err)
	return l
}

func (s *scheduler) leave(ctx context.Context, id string) error {
	_, err := s.v2.DeleteHost(ctx, &schedulerv2.DeleteHostRequest{HostId: id})
	return err
}

func (s *scheduler) list() (ids []string) {
	s.t.Helper()
	return s.listType(nil)
}

// listType lists the hosts of a type; of all types if it is nil.
func (s *scheduler) listType(kind *uint32) (ids []string) {
	s.t.Helper()
	r, err := s.v2.ListHosts(s.t.Context(), &schedulerv2.ListHostsRequest{Type: kind})
	require.NoError(s.t, err)
	require.NoError(s.t, r.Validate())
	for _, h := range r.GetHosts() {
		ids = append(ids, h.GetId())
	}
	return ids
}

// announcePeer sends one message of a peer on a stream of its own.
func (s *scheduler) announcePeer(ctx context.Context, r *schedulerv2.AnnouncePeerRequest) (*schedulerv2.AnnouncePeerResponse, error) {
	s.t.Helper()
	stream, err := s.v2.AnnouncePeer(ctx)
	require.NoError(s.t, err)
	if err := stream.Send(r); !errors.Is(err, io.EOF) { // refused already: Recv knows why
		require.NoError(s.t, err)
	}
	require.NoError(s.t, stream.CloseSend())
	resp, err := stream.Recv()
	if err == nil {
		_, end := stream.Recv()
		require.ErrorIs(s.t, end, io.EOF)
	}
	return resp, err
}

func (s *scheduler) register(host, task, id string) error {
	s.t.Helper()
	return s.registerAs(s.t.Context(), host, task, id)
}

func (s *scheduler) registerAs(ctx context.Context, host, task, id string) error {
	s.t.Helper()
	_, err := s.announcePeer(ctx, registration(host, task, id))
	return err
}

func (s *scheduler) stat(host, task, id string) (*commonv2.Peer, error) {
	return s.v2.StatPeer(s.t.Context(), &schedulerv2.StatPeerRequest{HostId: host, TaskId: task, PeerId: id})
}

func registration(host, task, id string) *schedulerv2.AnnouncePeerRequest {
	return &schedulerv2.AnnouncePeerRequest{
		HostId: host, TaskId: task, PeerId: id,
		Request: &schedulerv2.AnnouncePeerRequest_RegisterPeerRequest{
			RegisterPeerRequest: &schedulerv2.RegisterPeerRequest{
				Download: &commonv2.Download{Url: "https://example.com/" + task},
			},
		},
	}
}

func finished(host, task, id string) *schedulerv2.AnnouncePeerRequest {
	return &schedulerv2.AnnouncePeerRequest{
		HostId: host, TaskId: task, PeerId: id,
		Request: &schedulerv2.AnnouncePeerRequest_DownloadPeerBackToSourceFinishedRequest{
			DownloadPeerBackToSourceFinishedRequest: &schedulerv2.DownloadPeerBackToSourceFinishedRequest{},
		},
	}
}

func host(id string) *commonv2.Host {
	return &commonv2.Host{
		Id: id, Hostname: "name-of-" + id, Ip: "192.0.2.1", Port: 4000, DownloadPort: 4001,
		Network: &commonv2.Network{Idc: proto.String("idc-1")},
	}
}

func as(t *testing.T, incarnation string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), wire.IncarnationKey, incarnation)
}

func requireCode(t *testing.T, want codes.Code, err error) {
	t.Helper()
	require.Equal(t, want, status.Code(err), "%v", err)
}

// A buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// refused tells whether addr refuses connections.
func refused(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err == nil {
		_ = c.Close()
	}
	return err != nil
}

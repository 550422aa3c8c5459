package peerd_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/peerd"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/examples/internal/wire"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "6") // these tests wait more than they work
	goleak.VerifyTestMain(m)
}

// longWait is how long a test waits for what must happen.
const longWait = 30 * time.Second

// schedule runs a real scheduler; stop waits until it has stopped.
func schedule(t *testing.T, listen string, args ...string) (addr string, stop func()) {
	t.Helper()
	lines, stop := launch(t, append([]string{"-listen", listen}, args...)...)
	return after(t, "listening on ", lines), stop
}

// launch runs the scheduler's command; its lines are to be read.
func launch(t *testing.T, args ...string) (lines *bufio.Reader, stop func()) {
	t.Helper()
	return launchCommand(t, schedulerd.Main, args...)
}

func launchCommand(t *testing.T, run cli.Command, args ...string) (lines *bufio.Reader, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, args, stdout, io.Discard)
		_ = stdout.CloseWithError(fmt.Errorf("scheduler: %w", err))
		done <- err
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return bufio.NewReader(out), stop
}

// after reads a line that begins so, and returns the rest.
func after(t *testing.T, prefix string, lines *bufio.Reader) string {
	t.Helper()
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix)
	require.True(t, ok, line)
	return rest
}

// A peer is the command, running.
type peer struct {
	cancel context.CancelFunc
	ended  chan struct{}
	err    error  // to be read when it has ended
	log    buffer // what it logs
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

func (b *buffer) lines() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Count(b.b.Bytes(), []byte("\n"))
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func be(t *testing.T, addr string, args ...string) *peer {
	ctx, cancel := context.WithCancel(context.Background())
	p := &peer{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = peerd.Main(ctx, append([]string{"-scheduler", addr}, args...), io.Discard, &p.log)
	}()
	t.Cleanup(func() { _ = p.stop() })
	return p
}

// stop waits until the command has returned.
func (p *peer) stop() error {
	p.cancel()
	<-p.ended
	return p.err
}

// mustEnd waits until the command has returned by itself.
func (p *peer) mustEnd(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(longWait):
		t.Fatal("goes on")
	}
}

// said returns a field of the lines of the log that say that the host has announced itself, each
// value once, in order.
func (p *peer) said(field string) (values []string) {
	for line := range strings.Lines(p.log.String()) {
		l := map[string]any{}
		if json.Unmarshal([]byte(line), &l) == nil && l["msg"] == "announced" {
			if v := fmt.Sprint(l[field]); !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	return values
}

// homes returns the schedulers that have accepted the host, in the order of their first answers.
func (p *peer) homes() []string { return p.said("scheduler") }

// home waits for the first one, and returns the latest of homes.
func (p *peer) home(t *testing.T) string {
	t.Helper()
	eventually(t, "it is accepted", func() bool { return len(p.homes()) > 0 })
	homes := p.homes()
	return homes[len(homes)-1]
}

func (p *peer) registrations() []string { return p.said("registration") }

func dial(t *testing.T, addr string) schedulerv2.SchedulerClient {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return schedulerv2.NewSchedulerClient(conn)
}

func list(c schedulerv2.SchedulerClient) (ids []string) {
	r, _ := c.ListHosts(context.Background(), &schedulerv2.ListHostsRequest{})
	for _, h := range r.GetHosts() {
		ids = append(ids, h.GetId())
	}
	slices.Sort(ids)
	return ids
}

func registered(c schedulerv2.SchedulerClient, host string, peers int) bool {
	for i := range peers {
		_, err := c.StatPeer(context.Background(), &schedulerv2.StatPeerRequest{
			HostId: host, TaskId: peerd.TaskID(i), PeerId: peerd.PeerID(host, i),
		})
		if err != nil {
			return false
		}
	}
	return true
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, longWait, 2*time.Millisecond, what)
}

// A dragonfly is a scheduler that counts, and answers as it is told.
type dragonfly struct {
	schedulerv2.UnimplementedSchedulerServer
	answer func(ctx context.Context, n int) error
	leave  func(ctx context.Context, n int) error // nil: a host may leave

	mu        sync.Mutex // guards all below
	announces []time.Time
	said      []time.Duration // the interval, by each
	by        map[string]int  // announces, by host
	refused   map[string]error
	registers int
}

func (d *dragonfly) AnnounceHost(ctx context.Context, r *schedulerv2.AnnounceHostRequest) (*emptypb.Empty, error) {
	d.mu.Lock()
	d.announces = append(d.announces, time.Now())
	d.said = append(d.said, r.GetInterval().AsDuration())
	d.by[r.GetHost().GetId()]++
	n, refused := len(d.announces), d.refused[r.GetHost().GetId()]
	d.mu.Unlock()
	if refused != nil {
		return nil, refused
	}
	return &emptypb.Empty{}, d.answer(ctx, n)
}

func (d *dragonfly) AnnouncePeer(s schedulerv2.Scheduler_AnnouncePeerServer) error {
	md, _ := metadata.FromIncomingContext(s.Context())
	if n, err := wire.Incarnation(md); n == 0 || err != nil {
		return status.Error(codes.InvalidArgument, "incarnation is missing")
	}
	for {
		if _, err := s.Recv(); err != nil {
			return nil
		}
		d.mu.Lock()
		d.registers++
		d.mu.Unlock()
	}
}

func (d *dragonfly) DeleteHost(ctx context.Context, _ *schedulerv2.DeleteHostRequest) (*emptypb.Empty, error) {
	if d.leave == nil {
		return &emptypb.Empty{}, nil
	}
	return nil, d.leave(ctx, 0)
}

func (d *dragonfly) counts() (announces, registers int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.announces), d.registers
}

// refuse answers the announces of one host with an error.
func (d *dragonfly) refuse(host string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused[host] = err
}

func (d *dragonfly) times(host string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.by[host]
}

func fly(t *testing.T, answer func(ctx context.Context, n int) error) (*dragonfly, string) {
	t.Helper()
	d := &dragonfly{answer: answer, by: map[string]int{}, refused: map[string]error{}}
	s := grpc.NewServer()
	schedulerv2.RegisterSchedulerServer(s, d)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(s.Stop)
	return d, ln.Addr().String()
}

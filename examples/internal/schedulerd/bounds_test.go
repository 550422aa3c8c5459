package schedulerd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/internal/effort"
)

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// populate has hosts announce themselves that are so many bytes each.
func (s *scheduler) populate(hosts, bytes int) {
	s.t.Helper()
	for i := range hosts {
		h := host(fmt.Sprint("host-", i))
		h.Os = strings.Repeat("x", bytes)
		_, err := s.v2.AnnounceHost(s.t.Context(), &schedulerv2.AnnounceHostRequest{Host: h})
		require.NoError(s.t, err)
	}
}

// dial makes another connection to the scheduler. It says how large its windows are, or else gRPC
// has them grow until they hold what is not read.
func (s *scheduler) dial() *grpc.ClientConn {
	s.t.Helper()
	conn, err := grpc.NewClient(s.conn.Target(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(256<<20)))
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// open sends a request whose answer is not read.
func open(ctx context.Context, t *testing.T, conn *grpc.ClientConn, method string, request proto.Message) grpc.ClientStream {
	t.Helper()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	require.NoError(t, err)
	if err := stream.SendMsg(request); !errors.Is(err, io.EOF) { // refused already
		require.NoError(t, err)
	}
	_ = stream.CloseSend()
	return stream
}

const listHosts = "/scheduler.v2.Scheduler/ListHosts"

// Answers that a client does not read are bounded together, over all connections; those that are
// too many are refused, and the connections of the others cut. Then the next client is answered.
func TestUnreadListsAreBounded(t *testing.T) {
	s := start(t, "-client-timeout", "6s")
	s.populate(500, 8<<10) // lists of 4 MB
	before, begun := heap(), time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var streams []grpc.ClientStream
	for range 2 {
		conn := s.dial()
		for range 50 {
			streams = append(streams, open(ctx, t, conn, listHosts, &schedulerv2.ListHostsRequest{}))
		}
	}
	require.Eventually(t, func() bool { // all are refused, or wait to be read
		_, err := schedulerv2.NewSchedulerClient(s.dial()).ListHosts(t.Context(), &schedulerv2.ListHostsRequest{})
		return status.Code(err) == codes.ResourceExhausted
	}, longWait, time.Millisecond)
	time.Sleep(200 * time.Millisecond)
	require.Less(t, heap()-before, int64(120<<20), "of 400 MB")

	require.Eventually(t, func() bool {
		r, err := schedulerv2.NewSchedulerClient(s.dial()).ListHosts(t.Context(), &schedulerv2.ListHostsRequest{})
		return err == nil && len(r.GetHosts()) == 500
	}, longWait, 100*time.Millisecond, "those that do not read are cut off")
	require.Greater(t, time.Since(begun), 2*time.Second, "not before their time is over")
	count := map[codes.Code]int{}
	for _, stream := range streams {
		err := stream.RecvMsg(&schedulerv2.ListHostsResponse{})
		for err == nil {
			err = stream.RecvMsg(&schedulerv2.ListHostsResponse{})
		}
		count[status.Code(err)]++
	}
	require.Greater(t, count[codes.ResourceExhausted], 70, "%v", count)
}

// A client that reads gets its lists, however many, and however many times.
func TestListsThatAreReadAreNotRefused(t *testing.T) {
	t.Parallel()
	s := start(t, "-client-timeout", "3s") // in which a busy machine reads a list
	s.populate(500, 8<<10)
	client := schedulerv2.NewSchedulerClient(s.dial())
	for range 50 { // 200 MB
		r, err := client.ListHosts(t.Context(), &schedulerv2.ListHostsRequest{})
		require.NoError(t, err)
		require.Len(t, r.GetHosts(), 500)
	}
	time.Sleep(3500 * time.Millisecond)
	_, err := client.ListHosts(t.Context(), &schedulerv2.ListHostsRequest{}, grpc.WaitForReady(false))
	require.NoError(t, err, "the connection is not cut")
}

// One list that is larger than all that may wait is sent, if nothing else waits.
func TestAListThatIsLargerThanTheBound(t *testing.T) {
	s := start(t)
	s.populate(5000, 15<<10)
	r, err := schedulerv2.NewSchedulerClient(s.dial()).ListHosts(t.Context(), &schedulerv2.ListHostsRequest{})
	require.NoError(t, err)
	require.Len(t, r.GetHosts(), 5000)
}

// Small answers on streams that are not read are bounded, too, and their connection is cut.
func TestUnreadStreamsAreCutOff(t *testing.T) {
	s := start(t, "-client-timeout", "500ms")
	s.mustAnnounce(t.Context(), "h", time.Minute)
	conn := s.dial()
	stream, err := schedulerv2.NewSchedulerClient(conn).AnnouncePeer(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		for range 1000 {
			if stream.Send(registration("h", "task", "peer")) != nil {
				return true
			}
		}
		return false
	}, longWait, time.Millisecond)
}

// A call whose request does not come ends in time; a stream may be silent for longer.
func TestASlowRequestIsCutOff(t *testing.T) {
	s := start(t, "-client-timeout", "300ms")
	s.mustAnnounce(t.Context(), "h", time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), longWait)
	defer cancel()
	peers, err := s.v2.AnnouncePeer(ctx)
	require.NoError(t, err)
	slow, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, listHosts)
	require.NoError(t, err)
	err = slow.RecvMsg(&schedulerv2.ListHostsResponse{})
	requireCode(t, codes.DeadlineExceeded, err)
	require.NoError(t, ctx.Err())

	time.Sleep(400 * time.Millisecond)
	require.NoError(t, peers.Send(registration("h", "task", "peer")))
	_, err = peers.Recv()
	require.NoError(t, err)
}

// The peers of all hosts are bounded together, by what they take.
func TestPeersAreBoundedTogether(t *testing.T) {
	s := start(t, "-max-peer-bytes", "100000")
	registered := 0
	var err error
	for h := 0; h < 100 && err == nil; h++ {
		s.mustAnnounce(t.Context(), fmt.Sprint(h), time.Minute)
		for p := 0; p < 10 && err == nil; p++ {
			if err = s.register(fmt.Sprint(h), fmt.Sprint(p), "p"); err == nil {
				registered++
			}
		}
	}
	requireCode(t, codes.ResourceExhausted, err)
	require.ErrorContains(t, err, "the peers of all hosts")
	require.ErrorContains(t, err, "-max-peer-bytes")
	require.InDelta(t, 170, registered, 40)
	require.NoError(t, s.register("0", "0", "p"), "it is registered already")
	require.NoError(t, s.leave(t.Context(), "0"))
	require.Eventually(t, func() bool { return s.register("1", "new", "p") == nil }, longWait, time.Millisecond)
}

// What the store says it takes is about what it takes, and nothing when all has gone.
func TestSizesOfPeers(t *testing.T) {
	for _, x := range []struct{ hosts, peers, url int }{{1, 1000, 0}, {20_000, 1, 10}, {3000, 9, 100}, {300, 100, 1000}, {2000, 60, 20}} {
		before := heap()
		s := schedulerd.NewPeerStoreOf(0)
		for h := range x.hosts {
			for p := range x.peers {
				require.NoError(t, s.Put(fmt.Sprint("host-", h), 1, fmt.Sprint("task-", p), fmt.Sprintf("%d-%d", h, p), strings.Repeat("u", x.url)))
			}
		}
		takes := heap() - before
		t.Logf("%+v: %d bytes, counted as %d", x, takes, s.Bytes())
		require.Greater(t, s.Bytes(), takes*2/3)
		require.Less(t, s.Bytes(), takes*4)
		for h := range x.hosts {
			for p := range x.peers {
				require.NoError(t, s.Delete(fmt.Sprint("host-", h), fmt.Sprint("task-", p), fmt.Sprintf("%d-%d", h, p)))
			}
		}
		require.Less(t, heap()-before, s.Bytes()+(1<<20), "what is deleted is not kept")
		for h := range x.hosts {
			s.Free(fmt.Sprint("host-", h), 1)
		}
		require.Zero(t, s.Bytes())
	}
}

// Whatever is put, replaced, deleted and freed, in whatever order: the sum stays right, and bounded.
func TestSumOfPeers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := schedulerd.NewPeerStoreOf(50_000)
	full := 0
	for range 50_000 {
		h, p := fmt.Sprint(random.IntN(20)), fmt.Sprint(random.IntN(50))
		registration := uint64(1 + random.IntN(3))
		switch random.IntN(10) {
		case 0:
			s.Free(h, registration)
		case 1, 2:
			_ = s.Delete(h, p, p)
		default:
			if s.Put(h, registration, p, p, strings.Repeat("u", random.IntN(1000))) != nil {
				full++
			}
		}
		require.LessOrEqual(t, s.Bytes(), int64(50_000))
	}
	require.Greater(t, full, 100)
	for h := range 20 {
		for registration := range 4 {
			s.Free(fmt.Sprint(h), uint64(registration))
		}
	}
	require.Zero(t, s.Len())
	require.Zero(t, s.Bytes())
}

// What an attack costs, in figures: 200 lists of 40,000 hosts on one connection that are not read,
// and one stream that registers peers for 10 s. The clients' own memory counts, too.
func TestLongAttackOnMemory(t *testing.T) {
	if !effort.Long() {
		t.Skip("HOSTLIFE_LONG=1 runs it")
	}
	s := start(t)
	s.populate(40_000, 100)
	before := heap()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	conn := s.dial()
	for range 200 {
		open(ctx, t, conn, listHosts, &schedulerv2.ListHostsRequest{})
	}
	most := before
	for range 20 {
		time.Sleep(200 * time.Millisecond)
		most = max(most, heap())
	}
	t.Logf("200 unread lists: %d MiB, then %d MiB at most", before>>20, most>>20)
	cancel()
	_ = conn.Close()

	before = heap()
	stream, err := schedulerv2.NewSchedulerClient(s.dial()).AnnouncePeer(t.Context())
	require.NoError(t, err)
	go func() {
		for {
			if _, err := stream.Recv(); err != nil {
				return
			}
		}
	}()
	sent := 0
	for begun := time.Now(); time.Since(begun) < 10*time.Second; sent++ {
		r := registration(fmt.Sprint("host-", sent/1000), fmt.Sprint("task-", sent), "p")
		r.GetRegisterPeerRequest().Download.Url = "https://example.com/" + strings.Repeat("u", 4000)
		if stream.Send(r) != nil {
			break
		}
	}
	t.Logf("%d peers: %d MiB, then %d MiB", sent, before>>20, heap()>>20)
}

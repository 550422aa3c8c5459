package schedulerd

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	maxUnsent  = 64 << 20 // bytes of answers, unless it is a single one
	maxStreams = 4096     // of peers
	maxOthers  = 256      // other streams, such as those of health and reflection
	maxListers = 2        // lists of all hosts that are put together at the same time
	nominal    = 2 << 10  // bytes that an answer on a stream is taken for, at least

	listHosts         = "/scheduler.v2.Scheduler/ListHosts"
	announcePeer      = "/scheduler.v2.Scheduler/AnnouncePeer"
	announceCachePeer = "/scheduler.v2.Scheduler/AnnounceCachePeer"
)

var (
	errUnsent  = status.Error(codes.ResourceExhausted, "too many answers are waiting to be read: try again")
	errStreams = status.Error(codes.ResourceExhausted, "too many streams are open: try again")
	errClosed  = status.Error(codes.Unavailable, "the connection is closed")
)

// sends bound the memory of answers that clients do not read. gRPC encodes an answer and keeps it until
// the client's flow control lets it be sent, after the handler has returned. So a limit on calls does
// not limit memory. Answers are encoded here, and count until gRPC has sent or dropped them, or their
// connection is closed. The connection of an answer that is not read in time is closed.
type sends struct {
	timeout time.Duration
	listers *semaphore.Weighted
	peers   atomic.Int64 // streams
	others  atomic.Int64 // likewise

	mu   sync.Mutex // guards all below, and of each client held and closed
	held int        // bytes
}

func newSends(timeout time.Duration) *sends {
	return &sends{timeout: timeout, listers: semaphore.NewWeighted(maxListers)}
}

// options make all connections, calls and streams pass through sends.
func (s *sends) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(plaintext{insecure.NewCredentials(), s}),
		grpc.ForceServerCodecV2(codec{encoding.GetCodecV2("proto")}),
		grpc.ChainUnaryInterceptor(s.unary, checked),
		grpc.ChainStreamInterceptor(s.stream, checkedStream),
	}
}

func (s *sends) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held >= maxUnsent
}

func (s *sends) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if info.FullMethod == listHosts {
		if s.full() {
			return nil, errUnsent
		}
		if err := s.listers.Acquire(ctx, 1); err != nil {
			return nil, status.FromContextError(err).Err()
		}
		defer s.listers.Release(1)
	}
	answer, err := next(ctx, req)
	if err != nil {
		return nil, err
	}
	return s.encode(ctx, answer, 0)
}

func (s *sends) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	open, most := s.kind(info.FullMethod)
	defer open.Add(-1)
	if open.Add(1) > most {
		return errStreams
	}
	return next(srv, counted{stream, s})
}

// kind returns the counter of a method's streams, and its limit. Streams that are mostly idle have
// their own limit, so that they do not keep peers out.
func (s *sends) kind(method string) (open *atomic.Int64, most int64) {
	if method == announcePeer || method == announceCachePeer {
		return &s.peers, maxStreams
	}
	return &s.others, maxOthers
}

// A counted stream encodes and counts its answers before gRPC gets them.
type counted struct {
	grpc.ServerStream
	sends *sends
}

func (c counted) SendMsg(m any) error {
	m, err := c.sends.encode(c.Context(), m, nominal)
	if err != nil {
		return err
	}
	return c.ServerStream.SendMsg(m)
}

// encode returns a message that is encoded and counted, as so many bytes at least; or the answer as
// it is, if it is too small to matter.
func (s *sends) encode(ctx context.Context, answer any, least int) (any, error) {
	m, ok := answer.(proto.Message)
	c := clientOf(ctx)
	if !ok || c == nil {
		return answer, nil
	}
	size := max(proto.Size(m), least)
	if isSmall(size) {
		return answer, nil
	}
	if err := c.hold(size); err != nil {
		return nil, err
	}
	data, err := proto.MarshalOptions{}.MarshalAppend(make([]byte, 0, size), m)
	if err != nil {
		c.release(size)
		return nil, err
	}
	cut := time.AfterFunc(s.timeout, func() { _ = c.Close() })
	return &message{data: data, size: size, client: c, cut: cut}, nil
}

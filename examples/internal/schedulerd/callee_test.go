package schedulerd_test

import (
	"context"
	"io"
	"strings"
	"testing"

	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/examples/internal/wire"
)

// A callee is a scheduler without gRPC: its handlers are called as gRPC calls them,
// with bytes to decode.
type callee struct {
	schedulerd.Handlers
	t *testing.T
}

// newCallee returns one that has room for two hosts.
func newCallee(t *testing.T) callee {
	t.Helper()
	h, err := schedulerd.NewHandlers("-max-hosts", "2")
	require.NoError(t, err)
	return callee{h, t}
}

// A headed takes the place of the transport, which sends the response's header.
type headed struct {
	grpc.ServerTransportStream
	header metadata.MD
}

func (h *headed) SetHeader(md metadata.MD) error {
	h.header = metadata.Join(h.header, md)
	return nil
}

// said is the context of a request with a header: values of the incarnation, one on
// each line, and one more.
func said(incarnations, key, value string) (context.Context, *headed) {
	md := metadata.Pairs(key, value)
	if incarnations != "" {
		md.Append(wire.IncarnationKey, strings.Split(incarnations, "\n")...)
	}
	h := &headed{}
	return grpc.NewContextWithServerTransportStream(metadata.NewIncomingContext(context.Background(), md), h), h
}

// unary calls a method of a service, if the message can be decoded.
func (c callee) unary(ctx context.Context, service any, m grpc.MethodDesc, msg []byte) {
	undecodable := false
	resp, err := m.Handler(service, ctx, func(req any) error {
		err := proto.Unmarshal(msg, req.(proto.Message))
		undecodable = err != nil
		return err
	}, schedulerd.Checked)
	if !undecodable {
		c.answered(m.MethodName, resp, err)
	}
}

// answered says that an answer is one that a client can make sense of.
func (c callee) answered(method string, resp any, err error) {
	c.t.Helper()
	require.Contains(c.t, []codes.Code{
		codes.OK, codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.ResourceExhausted, codes.Unimplemented,
	}, status.Code(err), "%s: %v", method, err)
	if err != nil {
		return
	}
	_, err = proto.Marshal(resp.(proto.Message))
	require.NoError(c.t, err, method)
	if v, ok := resp.(interface{ Validate() error }); ok {
		require.NoError(c.t, v.Validate(), "%s answers what Dragonfly calls invalid", method)
	}
}

// A stream is a stream of peers whose client has sent all messages already.
type stream struct {
	grpc.ServerStream
	callee
	method string
	ctx    context.Context
	msgs   [][]byte
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) SendMsg(m any) error {
	s.answered(s.method, m, nil)
	return nil
}

// RecvMsg skips what can't be decoded: gRPC would end the stream.
func (s *stream) RecvMsg(m any) error {
	for len(s.msgs) > 0 {
		msg := s.msgs[0]
		s.msgs = s.msgs[1:]
		if proto.Unmarshal(msg, m.(proto.Message)) == nil {
			return nil
		}
		proto.Reset(m.(proto.Message))
	}
	return io.EOF
}

// peers calls a stream of peers with messages.
func (c callee) peers(ctx context.Context, d grpc.StreamDesc, msgs ...[]byte) {
	s := &stream{callee: c, method: d.StreamName, ctx: ctx, msgs: msgs}
	err := d.Handler(c.V2(), s)
	c.answered(d.StreamName, &emptypb.Empty{}, err)
}

// balanced says that each registration that began is there or has departed once; and that
// all hosts can leave, and nothing of them stays.
func (c callee) balanced() {
	c.t.Helper()
	ctx := context.Background()
	r, err := c.V2().ListHosts(ctx, &schedulerv2.ListHostsRequest{})
	c.answered("ListHosts", r, err)
	require.Len(c.t, r.GetHosts(), c.Stats().Hosts)
	c.sums()
	for _, h := range r.GetHosts() {
		_, err := schedulerd.Checked(ctx, &schedulerv2.DeleteHostRequest{HostId: h.GetId()}, nil, func(ctx context.Context, r any) (any, error) {
			return c.V2().DeleteHost(ctx, r.(*schedulerv2.DeleteHostRequest))
		})
		require.NoError(c.t, err, "%q can't leave", h.GetId())
	}
	c.Sweep(ctx) // cleans up after those that were replaced
	c.sums()
	require.Zero(c.t, c.Stats().Hosts)
	require.Zero(c.t, c.Peers(), "peers without a host")
	require.Zero(c.t, c.Stats().Cleanup.Pending)
	require.Zero(c.t, c.Stats().Cleanup.Failures, "a cleanup that panicked is one")
}

func (c callee) sums() {
	c.t.Helper()
	st := c.Stats()
	require.Equal(c.t, st.Joins, uint64(st.Hosts)+st.Departures.Left+st.Departures.Evicted+st.Departures.Replaced+st.Departures.Forgotten)
}

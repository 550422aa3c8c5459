package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/hostlife/hostlife/examples/internal/wire"
	"github.com/hostlife/hostlife/hostmgr"
)

// hostKey is the host's id in the metadata of a call. A call without it is of no host, and passes.
// See also wire.IncarnationKey.
const hostKey = "hostlife-host"

type tracker struct {
	ctx      context.Context // ends all streams
	interval time.Duration
	hosts    *hostmgr.Registry[struct{}]
	lives    sync.Map // by registration: a life that ends its streams
}

type life struct {
	context.Context
	end context.CancelFunc
}

func newTracker(ctx context.Context, interval time.Duration, out io.Writer) (t *tracker, err error) {
	t = &tracker{ctx: ctx, interval: interval}
	t.hosts, err = hostmgr.New(hostmgr.Config[struct{}]{Cleanup: func(_ context.Context, d hostmgr.Departure[struct{}]) error {
		if l, ok := t.lives.LoadAndDelete(d.Host.Registration); ok {
			l.(*life).end()
		}
		_, _ = fmt.Fprintf(out, "%s %s: %s\n", d.Host.ID, d.Kind, d.Reason())
		return nil
	}})
	return t, err
}

// contact takes a call as a contact. A host that is not registered joins.
func (t *tracker) contact(ctx context.Context) (id string, ack hostmgr.Ack, err error) {
	md, _ := metadata.FromIncomingContext(ctx)
	ids := md.Get(hostKey)
	if len(ids) == 0 {
		return "", ack, nil
	}
	incarnation, err := wire.Incarnation(md)
	if err != nil || len(ids) > 1 {
		return "", ack, status.Error(codes.InvalidArgument, "the host or its incarnation is invalid")
	}
	ack, err = t.hosts.Heartbeat(ids[0], incarnation)
	if errors.Is(err, hostmgr.ErrUnknownHost) {
		ack, err = t.hosts.Announce(hostmgr.Announcement[struct{}]{ID: ids[0], Incarnation: incarnation, Interval: t.interval})
	}
	return ids[0], ack, statusOf(err)
}

func statusOf(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codes.FailedPrecondition, err.Error())
}

func (t *tracker) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if _, _, err := t.contact(ctx); err != nil {
		return nil, err
	}
	return handle(ctx, req)
}

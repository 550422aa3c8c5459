package peerd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/hostlife/hostlife/examples/internal/wire"
)

// A host announces itself. All its methods run on one goroutine.
type host struct {
	*fleet
	line       *line
	client     schedulerv2.SchedulerClient // on line
	id         string
	interval   time.Duration // the advised one, or the configured one
	joined     bool          // an announce was accepted
	registered string        // the registration that has the peers
}

func newHost(f *fleet, l *line, id string) *host {
	return &host{fleet: f, line: l, client: schedulerv2.NewSchedulerClient(l), id: id, interval: f.cfg.Interval}
}

// run announces the host from due on, and leaves when ctx ends. Calls use the context calls, which
// ends later.
func (h *host) run(ctx, calls context.Context, due time.Time) error {
	for wait(ctx, due) {
		began, err := h.announceUntilAnswered(ctx, calls)
		if err != nil {
			return err
		}
		due = next(due, began, h.interval)
	}
	return h.leave(calls)
}

// next returns when the next announce is due. It keeps the phase after missed announces, so that hosts
// that were paused together stay spread. began is when the answered attempt began. The scheduler may have
// received it right then. So a host that was paused for long before it read the answer is overdue, and due
// at once.
func next(due, began time.Time, interval time.Duration) time.Time {
	if missed := began.Sub(due) / interval; missed > 0 {
		due = due.Add(missed * interval)
	}
	return due.Add(interval)
}

// announce makes one attempt. After a new registration (the first one, or the host was gone in between) it
// registers the peers.
func (h *host) announce(ctx context.Context) error {
	var header metadata.MD
	_, err := h.client.AnnounceHost(h.signed(ctx), &schedulerv2.AnnounceHostRequest{
		Host: h.message(), Interval: durationpb.New(h.interval),
	}, grpc.Header(&header))
	if err != nil {
		return err
	}
	h.joined = true
	ack := wire.ReadAck(header)
	h.interval = h.told(ack)
	if ack.Registration == "" || ack.Registration != h.registered {
		if err := h.register(ctx); err != nil {
			return err
		}
		h.registered = ack.Registration
	}
	if h.cfg.Verbose {
		h.log.Info("announced", "host", h.id, "registration", ack.Registration, "incarnation", ack.Incarnation, "interval", h.interval)
	}
	return nil
}

// told returns the interval to use after an answer. If the answer has none, or an invalid one, it is the
// configured one: an earlier advice may be another scheduler's.
func (h *host) told(l wire.Ack) time.Duration {
	if l.Interval < minInterval || l.Interval > maxInterval {
		return h.cfg.Interval
	}
	return l.Interval
}

// signed adds the incarnation to a call.
func (h *host) signed(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, wire.IncarnationKey, strconv.FormatUint(h.cfg.incarnation, 10))
}

// register registers the host's peers, all on one stream.
func (h *host) register(ctx context.Context) error {
	if h.cfg.Peers == 0 {
		return nil
	}
	stream, err := h.client.AnnouncePeer(h.signed(ctx))
	if err != nil {
		return err
	}
	for i := range h.cfg.Peers {
		if err := stream.Send(registration(h.id, i)); err != nil {
			break // Recv returns the error
		}
	}
	_ = stream.CloseSend()
	for {
		if _, err = stream.Recv(); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func registration(host string, i int) *schedulerv2.AnnouncePeerRequest {
	return &schedulerv2.AnnouncePeerRequest{
		HostId: host, TaskId: TaskID(i), PeerId: PeerID(host, i),
		Request: &schedulerv2.AnnouncePeerRequest_RegisterPeerRequest{
			RegisterPeerRequest: &schedulerv2.RegisterPeerRequest{
				Download: &commonv2.Download{Url: "https://example.com/" + TaskID(i)},
			},
		},
	}
}

// leave leaves as soon as there is a connection. It also succeeds if the scheduler does not know the
// host, or knows a newer incarnation.
func (h *host) leave(ctx context.Context) error {
	h.line.keep()
	_, err := h.call(ctx, leaveLimit, func(ctx context.Context) error {
		_, err := h.client.DeleteHost(h.signed(ctx), &schedulerv2.DeleteHostRequest{HostId: h.id}, grpc.WaitForReady(true))
		return err
	})
	c := status.Code(err)
	switch {
	case c == codes.OK, c == codes.NotFound, c == codes.FailedPrecondition:
		return nil
	case c == codes.DeadlineExceeded, ctx.Err() != nil:
		err = errNoTime
	}
	return fmt.Errorf("%s could not leave: %w", h.id, err)
}

func (h *host) message() *commonv2.Host {
	return &commonv2.Host{
		Id: h.id, Hostname: h.id, Ip: "127.0.0.1", Port: 4000, DownloadPort: 4001,
		Os: runtime.GOOS, Platform: runtime.GOARCH,
		Network: &commonv2.Network{Idc: proto.String(h.cfg.Zone)},
		Build:   &commonv2.Build{GitVersion: "hostlife-example"},
	}
}

// call waits for a slot, calls do with a time limit, and returns when the call began. Waiting for the slot
// does not count against the limit.
func (h *host) call(ctx context.Context, limit time.Duration, do func(context.Context) error) (began time.Time, err error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return time.Now(), ctx.Err()
	}
	defer func() { <-h.slots }()
	began = time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = do(ctx)
	h.line.judge(began, err)
	return began, err
}

// wait waits until t, or returns false if ctx ends first.
func wait(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

package peerd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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
	interval   time.Duration // that we use: what the last answer told, or our own
	registered string        // the life that our peers are registered for
}

func newHost(f *fleet, l *line, id string) *host {
	return &host{fleet: f, line: l, client: schedulerv2.NewSchedulerClient(l), id: id, interval: f.cfg.Interval}
}

// run announces the host from due on, and leaves when ctx ends. Calls are made
// with a context of their own, which ends later.
func (h *host) run(ctx, calls context.Context, due time.Time) error {
	for wait(ctx, due) {
		began, err := h.announceUntilHeard(ctx, calls)
		if err != nil {
			return err
		}
		due = next(due, began, h.interval)
	}
	return h.leave(calls)
}

// next keeps to the phase, whatever was missed: hosts that were all held up together stay
// spread. began is when the attempt began that was answered. The scheduler may have heard it right
// then: so a host that was stopped for long before it had the answer is overdue, and due at once.
func next(due, began time.Time, interval time.Duration) time.Time {
	if missed := began.Sub(due) / interval; missed > 0 {
		due = due.Add(missed * interval)
	}
	return due.Add(interval)
}

// announceUntilHeard repeats an announce that fails. An attempt may take a
// quarter of the interval, the pauses grow from a 16th to a quarter of it, each
// with jitter: so there are a few attempts before patience of two intervals is
// used up. It returns when the last attempt began.
func (h *host) announceUntilHeard(ctx, calls context.Context) (began time.Time, err error) {
	pause := h.interval / 16
	for {
		began, err = h.call(calls, max(h.interval/4, 20*time.Millisecond), h.announce)
		if err == nil {
			return began, nil
		}
		if hopeless(err) {
			return began, fmt.Errorf("%s is refused: %w", h.id, err)
		}
		h.warn(err)
		if !wait(ctx, time.Now().Add(pause/2+rand.N(pause))) {
			return began, nil
		}
		h.line.hurry(h.interval)
		pause = min(2*pause, h.interval/4)
	}
}

// hopeless says that no repetition cures a failure: the scheduler can't mean what
// it is told, or knows a newer incarnation of this host.
func hopeless(err error) bool {
	c := status.Code(err)
	return c == codes.InvalidArgument || c == codes.FailedPrecondition
}

// announce is one attempt. If it finds that a new life has begun (the first, or
// we were gone in between), the peers are registered for it.
func (h *host) announce(ctx context.Context) error {
	var header metadata.MD
	_, err := h.client.AnnounceHost(h.signed(ctx), &schedulerv2.AnnounceHostRequest{
		Host: h.message(), Interval: durationpb.New(h.interval),
	}, grpc.Header(&header))
	if err != nil {
		return err
	}
	lease := wire.ReadLease(header)
	h.interval = h.told(lease)
	if lease.Life == "" || lease.Life != h.registered {
		if err := h.register(ctx); err != nil {
			return err
		}
		h.registered = lease.Life
	}
	if h.cfg.Verbose {
		h.log.Info("announced", "host", h.id, "lease", lease.Life, "incarnation", lease.Incarnation, "interval", h.interval)
	}
	return nil
}

// told is the interval to use after an answer. One that tells none, or one that no
// scheduler can mean, leaves us our own: what was told before may be another scheduler's.
func (h *host) told(l wire.Lease) time.Duration {
	if l.Interval < minInterval || l.Interval > maxInterval {
		return h.cfg.Interval
	}
	return l.Interval
}

// signed says which incarnation is speaking.
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
			break // Recv knows why
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

// leave says goodbye, as soon as there is a connection. A scheduler that doesn't know us, or knows a newer
// incarnation, is as good as one that lets us go.
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

// call calls with a time limit when there is a slot for it, and returns when that was.
// The limit begins then: waiting for a slot is our own doing.
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

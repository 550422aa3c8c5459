package peerd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/examples/internal/wire"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// A contact makes the calls of one host to one scheduler.
type contact struct {
	*fleet
	id     string // of the host
	line   *line
	client schedulerv2.SchedulerClient // on line

	has, owes stay // for which the peers are registered, and are to be; see route
}

func newContact(f *fleet, l *line, id string) *contact {
	return &contact{fleet: f, id: id, line: l, client: schedulerv2.NewSchedulerClient(l)}
}

// classify returns the Action for an error of the scheduler.
func classify(err error) announcer.Action {
	switch status.Code(err) {
	case codes.InvalidArgument:
		return announcer.GiveUp
	case codes.NotFound:
		return announcer.AnnounceAgain
	case codes.FailedPrecondition:
		return announcer.Stale
	case codes.ResourceExhausted, codes.AlreadyExists:
		return announcer.RetryLater
	default:
		return announcer.Retry
	}
}

func (c *contact) announce(a hostmgr.Announcement[*commonv2.Host]) (wire.Ack, error) {
	c.line.hurry(a.Interval)
	var header metadata.MD
	var began int64
	err := c.call(limit(a.Interval), func(ctx context.Context) error {
		began = history.Now()
		_, err := c.client.AnnounceHost(signed(ctx, a.Incarnation), &schedulerv2.AnnounceHostRequest{
			Host: a.Metadata, Interval: durationpb.New(a.Interval),
		}, grpc.Header(&header))
		return err
	})
	ack := wire.ReadAck(header)
	if err != nil {
		c.warn(err)
	} else if c.cfg.Verbose {
		c.log.Info("announced", "host", c.id, "registration", ack.Registration, "incarnation", ack.Incarnation, "interval", ack.Interval, "scheduler", c.line.addr)
	}
	if err == nil {
		c.wasTold(began, ack)
	}
	return ack, err
}

// register registers the peers of the host, all on one stream. The announces go on meanwhile.
func (c *contact) register(ack hostmgr.Ack) error {
	err := c.call(limit(ack.Interval), func(ctx context.Context) error {
		return c.sendPeers(signed(ctx, ack.Incarnation))
	})
	switch {
	case err != nil:
		c.warn(err)
	case c.cfg.Verbose:
		c.log.Info("registered", "host", c.id, "registration", fmt.Sprint(ack.Registration), "peers", c.cfg.Peers, "scheduler", c.line.addr)
	}
	return err
}

func (c *contact) sendPeers(ctx context.Context) error {
	if c.cfg.Peers == 0 {
		return nil
	}
	stream, err := c.client.AnnouncePeer(ctx)
	if err != nil {
		return err
	}
	for i := range c.cfg.Peers {
		if err := stream.Send(registration(c.id, i)); err != nil {
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

// leave leaves within a limit. If wait is set, it waits for a connection that is down.
func (c *contact) leave(id string, incarnation uint64, limit time.Duration, wait bool) error {
	c.line.keep()
	c.write(history.Leaving, 0, 0)
	return c.call(limit, func(ctx context.Context) error {
		began := history.Now()
		_, err := c.client.DeleteHost(signed(ctx, incarnation), &schedulerv2.DeleteHostRequest{HostId: id}, grpc.WaitForReady(wait))
		if err == nil {
			c.write(history.Gone, began, 0)
		}
		return err
	})
}

// limit returns how long a call may take at an interval.
func limit(interval time.Duration) time.Duration { return max(interval/4, 20*time.Millisecond) }

// signed adds the incarnation to a call.
func signed(ctx context.Context, incarnation uint64) context.Context {
	return metadata.AppendToOutgoingContext(ctx, wire.IncarnationKey, strconv.FormatUint(incarnation, 10))
}

// call waits for a slot, and calls do with a time limit. The wait for a slot is caused by this
// process of many hosts, not by the scheduler, so it does not count against the limit. The limit of
// the announcer's context would include the wait, so call does not use that context. The context of
// do ends with that of the fleet.
func (c *contact) call(limit time.Duration, do func(context.Context) error) error {
	select {
	case c.slots <- struct{}{}:
	case <-c.calls.Done():
		return status.FromContextError(c.calls.Err()).Err()
	}
	defer func() { <-c.slots }()
	ctx, cancel := context.WithTimeout(c.calls, limit)
	defer cancel()
	began := time.Now()
	err := do(ctx)
	c.line.judge(began, err)
	return err
}

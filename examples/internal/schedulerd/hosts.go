package schedulerd

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hostlife/hostlife/examples/internal/wire"
	"github.com/hostlife/hostlife/hostmgr"
)

// A directory is the state that both versions of the API share. The metadata of a host is its
// latest announcement, which is never changed.
type directory struct {
	hosts     *hostmgr.Registry[*commonv2.Host]
	member    *member
	peers     *peerStore
	intervals *intervals
}

func (s *Server) directory() directory {
	return directory{hosts: s.hosts, member: s.member, peers: s.peers, intervals: &intervals{log: s.log}}
}

// announce answers with the Ack as a response header, even if it refuses a stale incarnation.
func (d directory) announce(ctx context.Context, host *commonv2.Host, interval time.Duration) error {
	if proto.Size(host) > maxHost {
		return status.Errorf(codes.InvalidArgument, "host of more than %d bytes", maxHost)
	}
	incarnation, err := incarnation(ctx)
	if err != nil {
		return err
	}
	if !d.member.isReady() {
		return d.postpone(host.GetId(), incarnation)
	}
	a := hostmgr.Announcement[*commonv2.Host]{
		ID: host.GetId(), Metadata: host, Interval: interval,
		Incarnation: incarnation, Zone: host.GetNetwork().GetIdc(),
		Speaker: host.GetIp(), // tells two machines with one id apart, such as clones of one image
	}
	ack, err := d.hosts.Announce(a)
	if errors.Is(err, hostmgr.ErrConflict) && incarnation == 0 {
		a.Speaker = "" // the conflict is counted; Dragonfly takes the announce, so do not refuse it
		ack, err = d.hosts.Announce(a)
	}
	if err == nil && !d.member.isReady() { // it was frozen in between
		return errNotReady
	}
	if ack == (hostmgr.Ack{}) {
		return err
	}
	return cmp.Or(err, grpc.SetHeader(ctx, d.wireAck(ack).Metadata()))
}

// postpone refuses an announce while the other schedulers may judge the host without this one. But
// the contact counts for a host that is registered. All schedulers may be out of touch with the
// table for long, and hosts then announce themselves in vain, once an interval. When the table is
// back, the schedulers soon ask each other about hosts that are silent. So they must know then which
// hosts are alive. A host that is not registered joins elsewhere, or later.
func (d directory) postpone(id string, incarnation uint64) error {
	_, _ = d.hosts.Heartbeat(id, incarnation)
	return errNotReady
}

func (d directory) wireAck(ack hostmgr.Ack) wire.Ack {
	a := wire.Ack{Incarnation: ack.Incarnation, Interval: ack.Interval, Scheduler: d.member.instance()}
	if ack.Registration != 0 {
		a.Registration = strconv.FormatUint(ack.Registration, 10) // no other process has the same
	}
	return a
}

// leave succeeds while the cleanup is pending: the host may go, and the registry repeats the
// cleanup. After an error the host would leave again, and be told that it is unknown.
//
// A scheduler that is out of touch with the others tells them of the leave later, unless it ends
// before. So the host is told to leave at another one, too.
func (d directory) leave(ctx context.Context, id string) error {
	incarnation, err := incarnation(ctx)
	if err != nil {
		return err
	}
	if err = d.hosts.Leave(ctx, id, incarnation); err != nil && !errors.Is(err, hostmgr.ErrCleanupPending) {
		return err
	}
	if !d.member.isReady() {
		return errNotReady
	}
	d.member.flush(ctx)
	return nil
}

// registration returns the current registration of a host, if the request comes from its
// incarnation. An older incarnation is refused. 0 means the current one.
func (d directory) registration(id string, incarnation uint64) (uint64, error) {
	h, ok := d.hosts.Get(id)
	switch {
	case !ok:
		return 0, errNoHost
	case incarnation != 0 && incarnation < h.Incarnation:
		return 0, hostmgr.ErrStale
	}
	return h.Registration, nil
}

func incarnation(ctx context.Context) (uint64, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	n, err := wire.Incarnation(md)
	if err != nil {
		return 0, status.Errorf(codes.InvalidArgument, "%s: %v", wire.IncarnationKey, err)
	}
	return n, nil
}

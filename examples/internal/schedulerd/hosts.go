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
	hosts *hostmgr.Registry[*commonv2.Host]
	peers *peerStore
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
	ack, err := d.hosts.Announce(hostmgr.Announcement[*commonv2.Host]{
		ID: host.GetId(), Metadata: host, Interval: interval,
		Incarnation: incarnation, Zone: host.GetNetwork().GetIdc(),
		Speaker: host.GetIp(), // tells two machines with one id apart, such as clones of one image
	})
	if ack == (hostmgr.Ack{}) {
		return err
	}
	return cmp.Or(err, grpc.SetHeader(ctx, wireAck(ack).Metadata()))
}

func wireAck(ack hostmgr.Ack) wire.Ack {
	a := wire.Ack{Incarnation: ack.Incarnation, Interval: ack.Interval}
	if ack.Registration != 0 {
		a.Registration = strconv.FormatUint(ack.Registration, 10) // no other process has the same
	}
	return a
}

// leave succeeds while the cleanup is pending: the host may go, and the registry repeats the
// cleanup. After an error the host would leave again, and be told that it is unknown.
func (d directory) leave(ctx context.Context, id string) error {
	incarnation, err := incarnation(ctx)
	if err != nil {
		return err
	}
	if err = d.hosts.Leave(ctx, id, incarnation); errors.Is(err, hostmgr.ErrCleanupPending) {
		return nil
	}
	return err
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

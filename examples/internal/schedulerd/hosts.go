package schedulerd

import (
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

// A directory is what both versions of the API work on. The metadata of a host
// is its latest announcement, which nobody changes from then on.
type directory struct {
	hosts *hostmgr.Registry[*commonv2.Host]
	peers *peerStore
}

// announce answers with the lease as response header.
func (d directory) announce(ctx context.Context, host *commonv2.Host, interval time.Duration) error {
	if proto.Size(host) > maxHost {
		return status.Errorf(codes.InvalidArgument, "host of more than %d bytes", maxHost)
	}
	incarnation, err := incarnation(ctx)
	if err != nil {
		return err
	}
	lease, err := d.hosts.Announce(hostmgr.Announcement[*commonv2.Host]{
		ID: host.GetId(), Metadata: host, Interval: interval,
		Incarnation: incarnation, Zone: host.GetNetwork().GetIdc(),
	})
	if err != nil {
		return err
	}
	return grpc.SetHeader(ctx, wire.Lease{
		Incarnation: lease.Incarnation, Interval: lease.Interval,
		Life: strconv.FormatUint(lease.Life, 10), // no other process has the same
	}.Metadata())
}

// leave is OK while the cleanup is pending: what a leaving host wants to know is
// whether it may go, and it may. The cleanup is ours, and goes on; were this an
// error the host would leave again, only to hear that it is unknown.
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

// life finds the life that an incarnation of a host may speak for: a former one
// has no say in the life that came after it. Incarnation 0 didn't say.
func (d directory) life(id string, incarnation uint64) (uint64, error) {
	h, ok := d.hosts.Get(id)
	switch {
	case !ok:
		return 0, errNoHost
	case incarnation != 0 && incarnation < h.Incarnation:
		return 0, hostmgr.ErrStale
	}
	return h.Life, nil
}

func incarnation(ctx context.Context) (uint64, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	n, err := wire.Incarnation(md)
	if err != nil {
		return 0, status.Errorf(codes.InvalidArgument, "%s: %v", wire.IncarnationKey, err)
	}
	return n, nil
}

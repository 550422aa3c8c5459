package schedulerd

import (
	"context"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv1 "d7y.io/api/v2/pkg/apis/scheduler/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// serviceV1 is Dragonfly's older scheduler.Scheduler, on the same directory: a
// host that announced itself to one may leave by the other.
type serviceV1 struct {
	schedulerv1.UnimplementedSchedulerServer
	directory
}

// AnnounceHost registers or refreshes a host. In v1 a host cannot name its interval, so it is
// hostmgr.DefaultInterval, or a longer one that it was advised, until the next announce.
func (s serviceV1) AnnounceHost(ctx context.Context, r *schedulerv1.AnnounceHostRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.announce(ctx, hostOfV1(r), 0)
}

// LeaveHost is how a host leaves.
func (s serviceV1) LeaveHost(ctx context.Context, r *schedulerv1.LeaveHostRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.leave(ctx, r.GetId())
}

// hostTypes are v1's names for v2's numbers.
var hostTypes = map[string]uint32{"normal": 0, "super": 1}

// hostOfV1 converts a host. It drops the load figures.
func hostOfV1(r *schedulerv1.AnnounceHostRequest) *commonv2.Host {
	n := r.GetNetwork()
	return &commonv2.Host{
		Id: r.GetId(), Type: hostTypes[r.GetType()], Hostname: r.GetHostname(),
		Ip: r.GetIp(), Port: r.GetPort(), DownloadPort: r.GetDownloadPort(),
		Os: r.GetOs(), Platform: r.GetPlatform(), PlatformFamily: r.GetPlatformFamily(),
		PlatformVersion: r.GetPlatformVersion(), KernelVersion: r.GetKernelVersion(),
		Network:            &commonv2.Network{Idc: proto.String(n.GetIdc()), Location: proto.String(n.GetLocation())},
		SchedulerClusterId: r.GetSchedulerClusterId(),
	}
}

package schedulerd

import (
	"context"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/protobuf/types/known/emptypb"
)

// serviceV2 is the part of Dragonfly's scheduler.v2.Scheduler that concerns hosts and their peers.
type serviceV2 struct {
	schedulerv2.UnimplementedSchedulerServer
	directory
}

// AnnounceHost registers or refreshes a host. Without an interval it is hostmgr.DefaultInterval, and
// in a refresh the one that the host has.
func (s serviceV2) AnnounceHost(ctx context.Context, r *schedulerv2.AnnounceHostRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.announce(ctx, r.GetHost(), s.intervals.take(r.GetHost().GetId(), r.GetInterval()))
}

// ListHosts lists the hosts of a type, or all hosts, suspects included.
func (s serviceV2) ListHosts(_ context.Context, r *schedulerv2.ListHostsRequest) (*schedulerv2.ListHostsResponse, error) {
	var hosts []*commonv2.Host
	for h := range s.hosts.All() {
		if r.Type == nil || h.Metadata.GetType() == r.GetType() {
			hosts = append(hosts, h.Metadata)
		}
	}
	return &schedulerv2.ListHostsResponse{Hosts: hosts}, nil
}

// DeleteHost is how a host leaves.
func (s serviceV2) DeleteHost(ctx context.Context, r *schedulerv2.DeleteHostRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.leave(ctx, r.GetHostId())
}

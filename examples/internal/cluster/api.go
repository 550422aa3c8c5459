package cluster

import (
	"context"
	"time"

	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/hostlife/hostlife/examples/internal/peerd"
)

// An api asks the scheduler as any other client would.
type api struct{ client schedulerv2.SchedulerClient }

func dial(addr string) (*api, error) {
	conn, err := grpc.NewClient(addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)), // 10,000 hosts are beyond the usual 4 MiB
	)
	if err != nil {
		return nil, err
	}
	return &api{client: schedulerv2.NewSchedulerClient(conn)}, nil
}

// list returns the ids of the hosts that are there, or nil if the scheduler
// does not answer.
func (a *api) list(ctx context.Context) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := a.client.ListHosts(ctx, &schedulerv2.ListHostsRequest{})
	if err != nil {
		return nil
	}
	ids := make(map[string]bool, len(r.GetHosts()))
	for _, h := range r.GetHosts() {
		ids[h.GetId()] = true
	}
	return ids
}

// freed says whether StatPeer finds none of a host's peers.
func (a *api) freed(ctx context.Context, host string, peers int) bool {
	for i := range peers {
		if a.stat(ctx, host, i) != codes.NotFound {
			return false
		}
	}
	return true
}

// registered says whether StatPeer finds all of a host's peers.
func (a *api) registered(ctx context.Context, host string, peers int) bool {
	for i := range peers {
		if a.stat(ctx, host, i) != codes.OK {
			return false
		}
	}
	return true
}

func (a *api) stat(ctx context.Context, host string, peer int) codes.Code {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := a.client.StatPeer(ctx, &schedulerv2.StatPeerRequest{
		HostId: host, TaskId: peerd.TaskID(peer), PeerId: peerd.PeerID(host, peer),
	})
	return status.Code(err)
}

package schedulerd

import (
	"context"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Peers of cache tasks have their replica in memory instead of on disk. They are tracked like all
// others, and freed with their host. Both kinds of peers are in one store, and each kind of RPC finds
// both. Dragonfly's own scheduler, as of v2.5.1, answers the RPCs of cache peers with nothing.

// AnnounceCachePeer is AnnouncePeer for peers of cache tasks.
func (s serviceV2) AnnounceCachePeer(stream schedulerv2.Scheduler_AnnounceCachePeerServer) error {
	return receive(s.directory, stream, reportOfCachePeer)
}

type cachePeerAnswers = []*schedulerv2.AnnounceCachePeerResponse

func reportOfCachePeer(q *schedulerv2.AnnounceCachePeerRequest) (report, cachePeerAnswers) {
	fromSource := &schedulerv2.AnnounceCachePeerResponse{Response: &schedulerv2.AnnounceCachePeerResponse_NeedBackToSourceResponse{
		NeedBackToSourceResponse: &schedulerv2.NeedBackToSourceResponse{},
	}}
	switch r := q.GetRequest().(type) {
	case *schedulerv2.AnnounceCachePeerRequest_RegisterCachePeerRequest:
		return registers(r.RegisterCachePeerRequest), cachePeerAnswers{fromSource}
	case *schedulerv2.AnnounceCachePeerRequest_RescheduleCachePeerRequest:
		return report{}, cachePeerAnswers{fromSource}
	case *schedulerv2.AnnounceCachePeerRequest_DownloadCachePeerStartedRequest:
		return started, nil
	case *schedulerv2.AnnounceCachePeerRequest_DownloadCachePeerBackToSourceStartedRequest:
		return backToSource, nil
	case *schedulerv2.AnnounceCachePeerRequest_DownloadCachePeerFinishedRequest:
		return finished, nil
	case *schedulerv2.AnnounceCachePeerRequest_DownloadCachePeerBackToSourceFinishedRequest:
		return backFromSource, nil
	case *schedulerv2.AnnounceCachePeerRequest_DownloadCachePeerFailedRequest:
		return failed, nil
	case *schedulerv2.AnnounceCachePeerRequest_DownloadCachePeerBackToSourceFailedRequest:
		return failedAtSource, nil
	}
	return report{}, nil // of pieces
}

// StatCachePeer is StatPeer for peers of cache tasks.
func (s serviceV2) StatCachePeer(_ context.Context, r *schedulerv2.StatCachePeerRequest) (*commonv2.CachePeer, error) {
	p, t, host, err := s.statPeer(r)
	if err != nil {
		return nil, err
	}
	return &commonv2.CachePeer{
		Id: p.id, State: p.state, Host: host, Task: t.cacheMessage(), NeedBackToSource: !p.cached,
		Cost: durationpb.New(p.updated.Sub(p.created)), CreatedAt: timestamppb.New(p.created), UpdatedAt: timestamppb.New(p.updated),
	}, nil
}

// DeleteCachePeer frees one peer.
func (s serviceV2) DeleteCachePeer(_ context.Context, r *schedulerv2.DeleteCachePeerRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.peers.delete(r.GetHostId(), keyOf(r))
}

// StatCacheTask is StatTask for cache tasks.
func (s serviceV2) StatCacheTask(_ context.Context, r *schedulerv2.StatCacheTaskRequest) (*commonv2.CacheTask, error) {
	t, err := s.peers.task(r.GetTaskId())
	if err != nil {
		return nil, err
	}
	return t.cacheMessage(), nil
}

// DeleteCacheTask frees the peers that a host has of a task.
func (s serviceV2) DeleteCacheTask(_ context.Context, r *schedulerv2.DeleteCacheTaskRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.deleteTask(r.GetHostId(), r.GetTaskId())
}

func (t task) cacheMessage() *commonv2.CacheTask {
	return &commonv2.CacheTask{
		Id: t.id, Type: t.kind, Url: t.url, State: t.state, PeerCount: t.peers,
		CreatedAt: timestamppb.New(t.created), UpdatedAt: timestamppb.New(t.updated),
	}
}

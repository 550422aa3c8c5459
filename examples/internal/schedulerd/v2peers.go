package schedulerd

import (
	"context"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// AnnouncePeer registers peers and records their reports. It answers requests for parents with
// "download from the source": this scheduler tracks peers, and schedules nothing.
func (s serviceV2) AnnouncePeer(stream schedulerv2.Scheduler_AnnouncePeerServer) error {
	return receive(s.directory, stream, reportOfPeer)
}

type peerAnswers = []*schedulerv2.AnnouncePeerResponse

func reportOfPeer(q *schedulerv2.AnnouncePeerRequest) (report, peerAnswers) {
	switch r := q.GetRequest().(type) {
	case *schedulerv2.AnnouncePeerRequest_RegisterPeerRequest:
		d := r.RegisterPeerRequest.GetDownload()
		return registers(d), peerAnswers{answerTo(d)}
	case *schedulerv2.AnnouncePeerRequest_ReschedulePeerRequest:
		return report{}, peerAnswers{answerTo(nil)}
	case *schedulerv2.AnnouncePeerRequest_DownloadPeerStartedRequest:
		return started, nil
	case *schedulerv2.AnnouncePeerRequest_DownloadPeerBackToSourceStartedRequest:
		return backToSource, nil
	case *schedulerv2.AnnouncePeerRequest_DownloadPeerFinishedRequest:
		return finished, nil
	case *schedulerv2.AnnouncePeerRequest_DownloadPeerBackToSourceFinishedRequest:
		return backFromSource, nil
	case *schedulerv2.AnnouncePeerRequest_DownloadPeerFailedRequest:
		return failed, nil
	case *schedulerv2.AnnouncePeerRequest_DownloadPeerBackToSourceFailedRequest:
		return failedAtSource, nil
	}
	return report{}, nil // of pieces
}

// What the messages say that peers of both streams send.
var (
	started        = report{peer: "Running"}
	backToSource   = report{peer: "BackToSource"}
	finished       = report{peer: "Succeeded"}
	backFromSource = report{peer: "Succeeded", task: "Succeeded"}
	failed         = report{peer: "Failed"}
	failedAtSource = report{peer: "Failed", task: "Failed"}
)

func registers(r registration) report {
	return report{registers: r, peer: "ReceivedNormal", task: "Running"}
}

// answerTo answers a registration, or a request for other parents if it is nil.
func answerTo(d *commonv2.Download) *schedulerv2.AnnouncePeerResponse {
	if d.GetMetadataOnly() {
		return &schedulerv2.AnnouncePeerResponse{Response: &schedulerv2.AnnouncePeerResponse_MetadataOnlyResponse{
			MetadataOnlyResponse: &schedulerv2.MetadataOnlyResponse{},
		}}
	}
	return &schedulerv2.AnnouncePeerResponse{Response: &schedulerv2.AnnouncePeerResponse_NeedBackToSourceResponse{
		NeedBackToSourceResponse: &schedulerv2.NeedBackToSourceResponse{},
	}}
}

// StatPeer answers from the peer store, not from the registry: NotFound means that the peer has been
// freed, not only that its host has departed. Between the two the answer is Unavailable.
func (s serviceV2) StatPeer(_ context.Context, r *schedulerv2.StatPeerRequest) (*commonv2.Peer, error) {
	p, t, host, err := s.statPeer(r)
	if err != nil {
		return nil, err
	}
	return &commonv2.Peer{
		Id: p.id, State: p.state, Host: host, Task: t.message(), NeedBackToSource: !p.cached,
		Cost: durationpb.New(p.updated.Sub(p.created)), CreatedAt: timestamppb.New(p.created), UpdatedAt: timestamppb.New(p.updated),
	}, nil
}

func (d directory) statPeer(r peerMessage) (peer, task, *commonv2.Host, error) {
	p, t, registration, err := d.peers.get(r.GetHostId(), keyOf(r))
	if err != nil {
		return p, t, nil, err
	}
	h, ok := d.hosts.Get(r.GetHostId())
	if !ok || h.Registration != registration {
		return p, t, nil, status.Error(codes.Unavailable, "the host of this peer has departed, its cleanup is pending")
	}
	return p, t, h.Metadata, nil
}

// DeletePeer frees one peer.
func (s serviceV2) DeletePeer(_ context.Context, r *schedulerv2.DeletePeerRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.peers.delete(r.GetHostId(), keyOf(r))
}

// StatTask describes a task as its latest peer does, whichever host has it.
func (s serviceV2) StatTask(_ context.Context, r *schedulerv2.StatTaskRequest) (*commonv2.Task, error) {
	t, err := s.peers.task(r.GetTaskId())
	if err != nil {
		return nil, err
	}
	return t.message(), nil
}

// DeleteTask frees the peers that a host has of a task. A dfdaemon calls it when it has removed the
// task from its disk.
func (s serviceV2) DeleteTask(_ context.Context, r *schedulerv2.DeleteTaskRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.deleteTask(r.GetHostId(), r.GetTaskId())
}

func (d directory) deleteTask(host, task string) error {
	if _, ok := d.hosts.Get(host); !ok {
		return errNoHost
	}
	d.peers.deleteTask(host, task)
	return nil
}

func (t task) message() *commonv2.Task {
	return &commonv2.Task{
		Id: t.id, Type: t.kind, Url: t.url, State: t.state, PeerCount: t.peers,
		CreatedAt: timestamppb.New(t.created), UpdatedAt: timestamppb.New(t.updated),
	}
}

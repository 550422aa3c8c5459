package schedulerd

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/hostlife/hostlife/hostmgr"
)

// serviceV2 is the part of Dragonfly's scheduler.v2.Scheduler that concerns hosts and their peers.
type serviceV2 struct {
	schedulerv2.UnimplementedSchedulerServer
	directory
}

// AnnounceHost registers or refreshes a host. Without an interval it is
// Dragonfly's 30 s.
func (s serviceV2) AnnounceHost(ctx context.Context, r *schedulerv2.AnnounceHostRequest) (*emptypb.Empty, error) {
	if err := r.GetInterval().CheckValid(); r.Interval != nil && err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	interval := r.GetInterval().AsDuration()
	if interval == hostmgr.Never { // a client must not make itself a host that stays for ever
		return nil, status.Error(codes.InvalidArgument, "interval too long")
	}
	return &emptypb.Empty{}, s.announce(ctx, r.GetHost(), interval)
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

// AnnouncePeer registers peers and records their reports. Dragonfly opens a stream for each peer; one
// stream may also carry many.
func (s serviceV2) AnnouncePeer(stream schedulerv2.Scheduler_AnnouncePeerServer) error {
	incarnation, err := incarnation(stream.Context())
	if err != nil {
		return err
	}
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.peerMessage(stream, incarnation, r); err != nil {
			return toStatus(err)
		}
	}
}

// peerMessage handles one message of a peer. It answers requests for parents with "download from the
// source": this scheduler tracks peers, and schedules nothing.
func (s serviceV2) peerMessage(
	stream schedulerv2.Scheduler_AnnouncePeerServer, incarnation uint64, r *schedulerv2.AnnouncePeerRequest,
) error {
	if err := validate(r); err != nil {
		return err
	}
	find := func() (uint64, error) { return s.registration(r.GetHostId(), incarnation) }
	var err error
	if reg := r.GetRegisterPeerRequest(); reg != nil {
		err = s.registerPeer(find, r, reg.GetDownload())
	} else {
		err = s.peers.update(find, r.GetHostId(), keyOf(r), reportedState(r))
	}
	if err != nil || r.GetRegisterPeerRequest() == nil && r.GetReschedulePeerRequest() == nil {
		return err
	}
	return stream.Send(&schedulerv2.AnnouncePeerResponse{
		Response: &schedulerv2.AnnouncePeerResponse_NeedBackToSourceResponse{
			NeedBackToSourceResponse: &schedulerv2.NeedBackToSourceResponse{},
		},
	})
}

// registerPeer copies what it keeps, so that the message is not kept with it.
func (s serviceV2) registerPeer(find finder, r *schedulerv2.AnnouncePeerRequest, d *commonv2.Download) error {
	if len(r.GetTaskId()) > maxID || len(r.GetPeerId()) > maxID || len(d.GetUrl()) > maxURL {
		return status.Errorf(codes.InvalidArgument, "an id of more than %d or a URL of more than %d bytes", maxID, maxURL)
	}
	now := time.Now()
	return s.peers.register(find, strings.Clone(r.GetHostId()), peer{
		task: strings.Clone(r.GetTaskId()), id: strings.Clone(r.GetPeerId()), url: strings.Clone(d.GetUrl()),
		state: "ReceivedNormal", created: now, updated: now,
	})
}

// reportedState is the state of the peer after a message, in Dragonfly's words;
// empty if the message doesn't change it.
func reportedState(r *schedulerv2.AnnouncePeerRequest) string {
	switch r.GetRequest().(type) {
	case *schedulerv2.AnnouncePeerRequest_DownloadPeerStartedRequest:
		return "Running"
	case *schedulerv2.AnnouncePeerRequest_DownloadPeerBackToSourceStartedRequest:
		return "BackToSource"
	case *schedulerv2.AnnouncePeerRequest_DownloadPeerFinishedRequest,
		*schedulerv2.AnnouncePeerRequest_DownloadPeerBackToSourceFinishedRequest:
		return "Succeeded"
	case *schedulerv2.AnnouncePeerRequest_DownloadPeerFailedRequest,
		*schedulerv2.AnnouncePeerRequest_DownloadPeerBackToSourceFailedRequest:
		return "Failed"
	}
	return ""
}

// StatPeer answers from the peer store, not from the registry: NotFound means that the peer has been
// freed, not only that its host has departed. Between the two the answer is Unavailable.
func (s serviceV2) StatPeer(_ context.Context, r *schedulerv2.StatPeerRequest) (*commonv2.Peer, error) {
	p, registration, ok := s.peers.get(r.GetHostId(), keyOf(r))
	if !ok {
		return nil, errNoPeer
	}
	h, ok := s.hosts.Get(r.GetHostId())
	if !ok || h.Registration != registration {
		return nil, status.Error(codes.Unavailable, "the host of this peer has departed, its cleanup is pending")
	}
	return p.message(h.Metadata), nil
}

// DeletePeer frees one peer.
func (s serviceV2) DeletePeer(_ context.Context, r *schedulerv2.DeletePeerRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.peers.delete(r)
}

func (p peer) message(host *commonv2.Host) *commonv2.Peer {
	created, updated := timestamppb.New(p.created), timestamppb.New(p.updated)
	return &commonv2.Peer{
		Id: p.id, State: p.state, Host: host, NeedBackToSource: true,
		Cost: durationpb.New(p.updated.Sub(p.created)), CreatedAt: created, UpdatedAt: updated,
		Task: &commonv2.Task{
			Id: p.task, Url: p.url, State: p.state, PeerCount: 1, CreatedAt: created, UpdatedAt: updated,
		},
	}
}

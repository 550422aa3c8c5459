package schedulerd

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A peerStream is a stream of messages of peers, and of answers to some of them. Dragonfly opens a
// stream for each peer; one stream may also carry many.
type peerStream[Q peerMessage, A any] interface {
	Context() context.Context
	Recv() (Q, error)
	Send(A) error
}

type peerMessage interface {
	GetHostId() string
	GetTaskId() string
	GetPeerId() string
}

// A report is what a message says of a peer.
type report struct {
	registers registration // nil: the peer is registered
	peer      string       // its new state, in Dragonfly's words; empty if the message does not change it
	task      string       // likewise of the task
}

// A registration describes the task that a peer registers for.
type registration interface {
	GetUrl() string
	GetType() commonv2.TaskType
}

// receive handles the messages of a stream until the client ends it. parse returns what a message
// says, and the answers to it.
func receive[Q peerMessage, A any](d directory, stream peerStream[Q, A], parse func(Q) (report, []A)) error {
	incarnation, err := incarnation(stream.Context())
	if err != nil {
		return err
	}
	for {
		q, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := validate(q); err != nil {
			return err
		}
		r, answers := parse(q)
		if err := d.record(incarnation, q, r); err != nil {
			return toStatus(err)
		}
		for _, a := range answers {
			if err := stream.Send(a); err != nil {
				return err
			}
		}
	}
}

// record registers a peer, or updates it.
func (d directory) record(incarnation uint64, q peerMessage, r report) error {
	find := func() (uint64, error) { return d.registration(q.GetHostId(), incarnation) }
	if r.registers == nil {
		return d.peers.update(find, q.GetHostId(), keyOf(q), r)
	}
	return d.registerPeer(find, q, r)
}

// registerPeer copies what it keeps, so that the message is not kept with it.
func (d directory) registerPeer(find finder, q peerMessage, r report) error {
	url := r.registers.GetUrl()
	if len(q.GetTaskId()) > maxID || len(q.GetPeerId()) > maxID || len(url) > maxURL {
		return status.Errorf(codes.InvalidArgument, "an id of more than %d or a URL of more than %d bytes", maxID, maxURL)
	}
	now := time.Now()
	key := peerKey{strings.Clone(q.GetTaskId()), strings.Clone(q.GetPeerId())}
	return d.peers.register(find, strings.Clone(q.GetHostId()),
		peer{peerKey: key, state: r.peer, cached: isCached(r.registers), created: now, updated: now},
		task{id: key.task, url: strings.Clone(url), kind: r.registers.GetType(), state: r.task, created: now, updated: now})
}

// isCached reports whether a peer has all of its task already, and registers only to tell so.
func isCached(r registration) bool {
	m, ok := r.(interface{ GetMetadataOnly() bool })
	return ok && m.GetMetadataOnly()
}

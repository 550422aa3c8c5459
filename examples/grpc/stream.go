package main

import (
	"context"

	"google.golang.org/grpc"

	"github.com/hostlife/hostlife/hostmgr"
)

// A stream of a host belongs to its registration. Each message is a contact, and the end of the
// registration ends the context of the stream.
type stream struct {
	grpc.ServerStream
	ctx   context.Context
	heard func() error
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return s.heard()
}

func (t *tracker) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	id, ack, err := t.contact(ss.Context())
	if err != nil {
		return err
	}
	life, err := t.life(id, ack)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ss.Context())
	defer cancel()
	defer context.AfterFunc(life, cancel)() // at once if the life is over
	return handle(srv, &stream{ss, ctx, func() error { return t.heard(id, ack) }})
}

// life returns a context that ends with the registration. While orders this before the cleanup, or
// returns an error because the registration has ended. So no life is left behind.
func (t *tracker) life(id string, ack hostmgr.Ack) (l context.Context, err error) {
	if id == "" {
		return t.ctx, nil
	}
	err = t.hosts.While(id, ack.Registration, func() error {
		ctx, cancel := context.WithCancel(t.ctx)
		found, loaded := t.lives.LoadOrStore(ack.Registration, &life{ctx, cancel})
		if loaded {
			cancel()
		}
		l = found.(*life)
		return nil
	})
	return l, statusOf(err)
}

// heard is a heartbeat of the incarnation that opened the stream. It registers no host.
func (t *tracker) heard(id string, ack hostmgr.Ack) error {
	if id == "" {
		return nil
	}
	_, err := t.hosts.Heartbeat(id, ack.Incarnation)
	return statusOf(err)
}

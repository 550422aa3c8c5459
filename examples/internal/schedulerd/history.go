package schedulerd

import (
	"context"
	"path/filepath"
	"strings"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv1 "d7y.io/api/v2/pkg/apis/scheduler/v1"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/grpc"

	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/hostmgr"
)

const historyUsage = "write a history to `FILE`, which must not exist, for examples/chaos: each acknowledged\n" +
	"contact, each join and departure, and each change of the table. It names the process by the\n" +
	"name of the file. SIGUSR1 adds all hosts. Linux only; empty means none"

// openHistory creates the file of the history, if one is named.
func (c *Config) openHistory() (stop func() error, err error) {
	if c.historyFile == "" {
		return func() error { return nil }, nil
	}
	base := filepath.Base(c.historyFile)
	c.history, err = history.Create(c.historyFile, strings.TrimSuffix(base, filepath.Ext(base)))
	return c.history.Close, err
}

// withHistory returns the server option that writes down what is acknowledged.
func withHistory(l *history.Log) []grpc.ServerOption {
	if l == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		kind, host := callOf(req)
		began := history.Now()
		answer, err := next(ctx, req)
		if err == nil && kind != "" {
			incarnation, _ := incarnation(ctx)
			l.Add(history.Entry{Kind: kind, Host: host, Incarnation: incarnation, Began: began})
		}
		return answer, err
	})}
}

// callOf returns what a request means for a host; an empty kind means nothing.
func callOf(req any) (kind history.Kind, host string) {
	switch r := req.(type) {
	case *schedulerv2.AnnounceHostRequest:
		return history.Contact, r.GetHost().GetId()
	case *schedulerv1.AnnounceHostRequest:
		return history.Contact, r.GetId()
	case *schedulerv2.DeleteHostRequest:
		return history.Left, r.GetHostId()
	case *schedulerv1.LeaveHostRequest:
		return history.Left, r.GetId()
	}
	return "", ""
}

// writeHistory writes down what the registry shows, until ctx ends.
func (s *Server) writeHistory(ctx context.Context) {
	for e := range s.hosts.Watch(ctx, hostmgr.EventJoined, hostmgr.EventDeparted) {
		switch e.Kind {
		case hostmgr.EventJoined:
			s.history.Add(registered(history.Joined, &e.Host))
		case hostmgr.EventDeparted:
			s.history.Add(departed(e.Departure))
		case hostmgr.EventMissed:
			s.history.Add(history.Entry{Kind: history.Missed, Number: e.Missed})
		}
	}
}

func registered(kind history.Kind, h *hostmgr.Host[*commonv2.Host]) history.Entry {
	return history.Entry{Kind: kind, Host: h.ID, Registration: h.Registration, Incarnation: h.Incarnation}
}

func departed(d *hostmgr.Departure[*commonv2.Host]) history.Entry {
	e := registered(history.Departed, &d.Host)
	e.How, e.Judged = d.Kind.String(), d.Judgement
	e.Decided, e.Due, e.Last = history.When(d.At), history.When(d.Host.EvictAt), history.When(d.Host.LastContact)
	e.Timeout, e.Stall = int64(d.Timeout), int64(d.StallTime)
	e.Held = int64(d.HeldFor)
	return e
}

// writeView writes down all registrations, and how many shared cleanups are owed.
func (s *Server) writeView() {
	hosts := map[string]uint64{}
	for h := range s.hosts.All() {
		hosts[h.ID] = h.Registration
	}
	s.history.Add(history.Entry{Kind: history.View, Hosts: hosts, Owed: s.member.owed()})
}

// historyOfCleanup writes down the calls of a shared cleanup.
func historyOfCleanup(l *history.Log, cleanup func(context.Context, hostmgr.Departure[*commonv2.Host]) error) func(context.Context, hostmgr.Departure[*commonv2.Host]) error {
	if l == nil || cleanup == nil {
		return cleanup
	}
	return func(ctx context.Context, d hostmgr.Departure[*commonv2.Host]) error {
		began := history.Now()
		l.Add(registered(history.Cleaning, &d.Host))
		err := cleanup(ctx, d)
		e := registered(history.Cleaned, &d.Host)
		e.Began, e.Err = began, textOf(err)
		l.Add(e)
		return err
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

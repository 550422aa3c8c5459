package peers

import (
	"context"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// hostlife is called as a user would call it.
type hostlife struct {
	hosts    *hostmgr.Registry[*Meta]
	interval time.Duration
	ctx      context.Context // ends the following, at Close
	cancel   context.CancelFunc
	followed chan struct{}
}

// flat is a policy without suspicion, which no peer knows either.
type flat time.Duration

func (f flat) Timeouts(hostmgr.History) (suspect, evict time.Duration) { return 0, time.Duration(f) }

func newHostlife(timeout time.Duration) Registry {
	hosts, err := hostmgr.New(hostmgr.Config[*Meta]{Policy: flat(timeout)})
	if err != nil {
		panic(err) // the Config above is a constant but for timeout
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &hostlife{hosts: hosts, interval: timeout / 2, ctx: ctx, cancel: cancel}
}

func (h *hostlife) Announce(id string, m *Meta) {
	_, err := h.hosts.Announce(hostmgr.Announcement[*Meta]{ID: id, Metadata: m, Interval: h.interval})
	if err != nil {
		panic(err) // ids and interval are ours
	}
}

func (h *hostlife) Heartbeat(id string) bool {
	_, err := h.hosts.Heartbeat(id, 0)
	return err == nil
}

func (h *hostlife) Leave(id string) bool { return h.hosts.Leave(h.ctx, id, 0) == nil }
func (h *hostlife) Sweep() int           { return h.hosts.Sweep(h.ctx).Evicted }
func (h *hostlife) Len() int             { return h.hosts.Len() }
func (h *hostlife) Sample(k int) int     { return len(h.hosts.Sample(k, nil)) }

// Heartbeats asks for the answers, too: a gateway passes them on.
func (h *hostlife) Heartbeats(ids []string) bool {
	var acks [MaxBatch]hostmgr.Ack
	var errs [MaxBatch]error
	h.hosts.Heartbeats(ids, acks[:], errs[:])
	for _, err := range errs[:len(ids)] {
		if err != nil {
			return false
		}
	}
	return true
}

func (h *hostlife) Metadata(id string) (*Meta, bool) { return h.hosts.Metadata(id) }

func (h *hostlife) Range(do func(id string, m *Meta)) {
	for id, m := range h.hosts.AllMetadata() {
		do(id, m)
	}
}

func (h *hostlife) Run() (stop func()) {
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan error)
	go func() { done <- h.hosts.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			panic(err) // it runs only here
		}
	}
}

func (h *hostlife) Follow() {
	synced := make(chan struct{})
	h.followed = make(chan struct{})
	go func() {
		defer close(h.followed)
		wait := synced
		for e := range h.hosts.Watch(h.ctx) {
			if e.Kind == hostmgr.EventSynced && wait != nil {
				close(wait)
				wait = nil
			}
		}
	}()
	<-synced
}

func (h *hostlife) Close() {
	h.cancel()
	if h.followed != nil {
		<-h.followed
	}
}

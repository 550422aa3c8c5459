package hosttest

import (
	"errors"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// KeepAlive makes Advance send a heartbeat for each of these hosts once per interval, the first one
// an interval from now. It follows the interval of each Ack. The heartbeats end with Silence, or
// when the host has departed. An id that is not registered fails the test.
func (h *Hosts[M]) KeepAlive(ids ...string) {
	h.t.Helper()
	for _, id := range ids {
		host, ok := h.Get(id)
		if !ok {
			h.t.Fatalf("hosttest: KeepAlive: host %q is not registered", id)
		}
		h.kept[id] = h.Clock.Now().Add(host.Interval)
	}
}

// Silence ends KeepAlive for these hosts: they fall silent, as if they had crashed.
func (h *Hosts[M]) Silence(ids ...string) {
	for _, id := range ids {
		delete(h.kept, id)
	}
}

// nextHeartbeat returns the time of the next heartbeat, at most end.
func (h *Hosts[M]) nextHeartbeat(end time.Time) time.Time {
	for _, at := range h.kept {
		if at.Before(end) {
			end = at
		}
	}
	return end
}

// sendHeartbeats sends the heartbeats that are due now.
func (h *Hosts[M]) sendHeartbeats() {
	h.t.Helper()
	now := h.Clock.Now()
	for id, at := range h.kept {
		if at.After(now) {
			continue
		}
		ack, err := h.Heartbeat(id, 0)
		switch {
		case err == nil:
			h.kept[id] = now.Add(ack.Interval)
		case errors.Is(err, hostmgr.ErrUnknownHost):
			delete(h.kept, id)
		default:
			h.t.Errorf("hosttest: heartbeat of %q: %v", id, err)
			delete(h.kept, id)
		}
	}
}

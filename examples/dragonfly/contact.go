package dragonfly

import (
	"context"
	"slices"
	"time"

	"d7y.io/dragonfly/v2/scheduler/resource/standard"

	"github.com/hostlife/hostlife/hostmgr"
)

// Heard stores the current time in host.UpdatedAt, and tells the registry that the host is alive.
// It belongs in the six places where Dragonfly stores UpdatedAt of a host.
//
// If it returns true, the host is not evicted before its timeout has passed, even if RunGC is about
// to evict it at this moment. If it returns false, no host with this id is there: it was evicted or
// deleted after it was loaded. An announce must then store a new host, as if Load had found none.
func (h *Hosts) Heard(host *standard.Host) bool {
	host.UpdatedAt.Store(h.clock.Now())
	ack, err := h.registry.Heartbeat(key(host.ID), 0)
	if err != nil {
		return false
	}
	if interval, _ := h.interval(host); ack.Interval != interval {
		h.refresh(host)
	}
	return true
}

// refresh announces a host that is registered, as of UpdatedAt and with its current interval.
func (h *Hosts) refresh(host *standard.Host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if current, ok := h.registry.Metadata(key(host.ID)); ok && current.Host == host {
		h.announce(host, current.Type)
	}
}

// confirm returns the hosts among those that are due of which nothing was heard. A part of the
// scheduler may have stored UpdatedAt without a call of Heard: then the registry learns it here. So
// a scheduler that never calls Heard loses no host. It only evicts later, and State is of no use.
func (h *Hosts) confirm(_ context.Context, due []hostmgr.Host[Stored]) ([]hostmgr.Host[Stored], error) {
	return slices.DeleteFunc(due, h.wasHeard), nil
}

// wasHeard reports whether a host is not due by its UpdatedAt. A refresh by which it remains due
// does not count, so a host cannot be held forever.
func (h *Hosts) wasHeard(due hostmgr.Host[Stored]) bool {
	host := due.Metadata.Host
	interval, _ := h.interval(host)
	if !host.UpdatedAt.Load().After(due.LastContact) && interval == due.Interval {
		return false
	}
	h.refresh(host)
	now, ok := h.registry.Get(due.ID)
	return ok && now.State != hostmgr.StateOffline
}

const (
	minInterval = 10 * time.Millisecond // of the registry
	maxInterval = 24 * time.Hour
)

// interval returns the interval that the registry gets for a host, and how much sooner than by that
// interval the host is due. No interval that Dragonfly takes is refused:
//   - 0 or less: Never, as in Dragonfly.
//   - below 10 ms: 10 ms, and the difference of the timeouts is early.
//   - above 24 h: Never. Such a host stays until it leaves.
func (h *Hosts) interval(host *standard.Host) (interval, early time.Duration) {
	switch d := host.AnnounceInterval; {
	case d <= 0 || d > maxInterval:
		return hostmgr.Never, 0
	case d < minInterval:
		return minInterval, h.timeout(minInterval) - h.timeout(d)
	default:
		return d, 0
	}
}

func (h *Hosts) timeout(interval time.Duration) time.Duration {
	_, evict := h.policy.Timeouts(hostmgr.History{Interval: interval})
	return evict
}

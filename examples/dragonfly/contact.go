package dragonfly

import (
	"context"
	"slices"
	"time"

	"d7y.io/dragonfly/v2/scheduler/resource/standard"

	"github.com/hostlife/hostlife/hostmgr"
)

// Heard records that a host is alive: it stores the current time in UpdatedAt, and tells the
// registry. It belongs in the six places where Dragonfly stores UpdatedAt of a host.
//
// If ok is true, the id of the host is not evicted before its timeout has passed, even if RunGC is
// about to evict it at this moment. The caller goes on with current, the host that has the id now:
// the given one, or the one that has replaced it. UpdatedAt of both is the current time.
//
// If ok is false, no host has the id: it was evicted or deleted after it was loaded. An announce
// must then store a new host, as if Load had found none.
//
// Heard does not read AnnounceInterval, because AnnounceHost may write it at the same time. The
// next Store applies a changed interval. Otherwise the host keeps the timeout of the old one until
// it is due. Then the manager looks at AnnounceInterval, so a longer interval evicts no host early.
func (h *Hosts) Heard(host *standard.Host) (current *standard.Host, ok bool) {
	now := h.clock.Now()
	setUpdatedAt(host, now)
	if _, err := h.registry.Heartbeat(key(host.ID), 0); err != nil {
		return nil, false
	}
	if current, ok = h.Load(host.ID); ok && current != host {
		setUpdatedAt(current, now)
	}
	return current, ok
}

// confirm returns the hosts among those that are due of which nothing was heard. A part of the
// scheduler may have stored UpdatedAt without a call of Heard: then the registry learns it here. So
// a scheduler that never calls Heard loses no host. It only evicts later, and State is of no use.
func (h *Hosts) confirm(_ context.Context, due []hostmgr.Host[Stored]) ([]hostmgr.Host[Stored], error) {
	return slices.DeleteFunc(due, h.wasHeard), nil
}

// wasHeard reports whether a host is not due by its UpdatedAt and its AnnounceInterval. An UpdatedAt
// by which it remains due does not count, so a host cannot be held forever.
func (h *Hosts) wasHeard(due hostmgr.Host[Stored]) bool {
	host := due.Metadata.Host
	interval, early := h.interval(host)
	// Only the monotonic part of UpdatedAt counts, because the wall clock may have been stepped.
	silence := h.clock.Now().Sub(h.lastContact(host)) + early
	switch {
	case interval != due.Interval:
		h.refresh(host)
	case host.UpdatedAt == nil || silence > due.EvictAt.Sub(due.LastContact):
		return false
	default:
		_ = h.registry.Observe(due.ID, due.Incarnation, max(0, silence)) // Get says what came of it
	}
	now, ok := h.registry.Get(due.ID)
	return ok && now.State != hostmgr.StateOffline
}

// refresh announces a host that is registered, as of UpdatedAt and with its current interval.
func (h *Hosts) refresh(host *standard.Host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if current, ok := h.registry.Metadata(key(host.ID)); ok && current.Host == host {
		h.announce(host, current.Type)
	}
}

// setUpdatedAt does nothing for a host without UpdatedAt: Store takes such a host.
func setUpdatedAt(host *standard.Host, t time.Time) {
	if host.UpdatedAt != nil {
		host.UpdatedAt.Store(t)
	}
}

// lastContact returns UpdatedAt of a host, or now if it has none.
func (h *Hosts) lastContact(host *standard.Host) time.Time {
	if host.UpdatedAt == nil {
		return h.clock.Now()
	}
	return host.UpdatedAt.Load()
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

package evictlimit

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// host is one of a registry that is as small as may be.
type host struct {
	id, zone string
	there    bool // it has joined
	number   uint8
	contact  int64
	suspect  bool
	held     bool
	since    int64 // it is held
}

// registry sweeps as hostmgr does: it counts the hosts that are suspect or due, and then decides on
// those that are due.
type registry struct {
	limit    *Limiter
	stalls   *detector.Stalls
	timeouts *detector.Timeouts
	hosts    []*host // also those that have not joined
	now      int64
}

func newRegistry(c Config, t *detector.Timeouts) *registry {
	return &registry{limit: New(c), stalls: detector.NewStalls(0), timeouts: t, now: int64(time.Hour)}
}

// departure is an eviction.
type departure struct {
	zone    string
	heldFor int64
}

func (r *registry) state(h *host) detector.State {
	var v detector.Verdict
	r.stalls.Assess(&v, h.contact, r.timeouts, r.now)
	return v.State
}

func (r *registry) join(h *host, zone string) {
	*h = host{id: h.id, zone: zone, there: true, number: r.limit.Enter(zone), contact: r.now}
	r.limit.CreditJoin(h.number)
}

func (r *registry) heartbeat(h *host) {
	h.contact = r.now
	if h.suspect {
		h.suspect = false
		r.limit.Suspect(h.number, -1)
	}
	r.release(h)
}

func (r *registry) move(h *host, zone string) {
	h.number = r.limit.Move(h.number, zone)
	h.zone = zone
}

func (r *registry) hold(h *host) {
	if !h.held {
		h.held, h.since = true, r.now
		r.limit.Held(h.number, 1)
		r.limit.Wait(h.number, true)
	}
}

func (r *registry) release(h *host) {
	if h.held {
		h.held = false
		r.limit.Held(h.number, -1)
		r.limit.Wait(h.number, false)
	}
}

// leave removes a host, whatever the reason.
func (r *registry) leave(h *host) {
	r.release(h)
	if h.suspect {
		r.limit.Suspect(h.number, -1)
	}
	r.limit.Leave(h.number)
	h.there = false
}

func (r *registry) all(yield func(*host) bool) {
	for _, h := range r.hosts {
		if h.there && !yield(h) {
			return
		}
	}
}

func (r *registry) sweep() (evicted []departure) {
	log := r.stalls.Common()
	for h := range r.all {
		if !h.suspect && r.state(h) >= detector.StateSuspect {
			h.suspect = true
			r.limit.Suspect(h.number, 1)
		}
	}
	r.limit.Update(log, r.now)
	for h := range r.all {
		if r.state(h) != detector.StateOffline {
			continue
		}
		since := r.now
		if h.held {
			since = h.since
		}
		expired := r.limit.HoldLeft(since, log, r.now) <= 0
		if !expired {
			if _, ok := r.limit.Spend(h.number, r.timeouts.Interval, log, r.now); !ok {
				r.hold(h)
				continue
			}
			r.limit.CountEviction(h.number, r.now)
		}
		r.leave(h)
		evicted = append(evicted, departure{h.zone, r.now - since})
	}
	r.limit.Update(log, r.now)
	return evicted
}

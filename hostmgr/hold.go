package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/evictlimit"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

const holdPause = int64(time.Second) // until a host that is held is checked again

// shouldHold decides whether to hold a host that is due. The eviction limit decides only about
// hosts that it has counted as missing.
func (s *state[M]) shouldHold(e index.Entry, counted bool, now int64) (h hold, stays bool) {
	h = s.holds.of(e)
	if !e.Held() {
		h = hold{since: now, waits: s.cfg.EvictionLimit.on()}
	}
	switch {
	case h.waits && counted:
		h = s.applyLimit(e, h, now)
	case h.waits:
		h.limit, h.pending = evictlimit.Reason{}, true
	}
	if !h.waits && s.cfg.Confirm != nil && h.confirm == notAsked {
		h.confirm = awaitsConfirm
	}
	stays = h.waits || s.cfg.Confirm != nil
	if e.Held() || stays {
		s.hold(e, h, now)
	}
	return h, stays
}

// applyLimit lets the eviction limit decide about a host that waits for it.
func (s *state[M]) applyLimit(e index.Entry, h hold, now int64) hold {
	h.expired = s.limiter.HoldLeft(h.since, s.stalls.Common(), now) <= 0
	if h.waits = !h.expired; h.expired {
		return h
	}
	why, ok := s.limiter.Spend(e.Zone(), e.Interval(), s.stalls.Common(), now)
	if h.waits = !ok; !ok {
		h.limit, h.pending = why, false
	}
	return h
}

// refuse sets the reason why Confirm holds a host.
func (s *state[M]) refuse(e index.Entry, why confirmation, now int64) {
	if !e.Held() {
		return
	}
	h := s.holds.of(e)
	if h.confirm == awaitsConfirm {
		s.counts.HeldByConfirm++
		s.recorder.held(e, why.String(), now)
	}
	h.confirm = why
	s.holds[keyOf(e)] = h
}

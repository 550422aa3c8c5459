package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/evictlimit"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

const holdPause = int64(time.Second) // until a host that is held is checked again

// A hold is the state of a host that is due but not evicted: first it waits for the eviction limit,
// then for Confirm, and then for the other members of a shared registry.
type hold struct {
	HoldReason
	since       int64
	awaitsLimit bool  // for the eviction limit
	expired     bool  // the limit released the host after MaxHold
	turn        *turn // with Confirm; nil while the host waits for the eviction limit
}

// byLimit reports whether the eviction limit has decided to hold the host.
func (h *hold) byLimit() bool { return h.limit != evictlimit.Reason{} }

// awaitsOnlyMembers reports whether only the other members may still hold the host. The answer of
// Confirm, if there is one, must be about the silence that ends with this word.
func (h hold) awaitsOnlyMembers(word int64) bool {
	return h.confirm == awaitsMembers && (h.turn == nil || h.turn.word == word)
}

// holds has the hold of each held host. It is nil if no host is held.
type holds map[hostKey]hold

// of returns the hold of a host, or the zero hold.
func (hs holds) of(e index.Entry) (h hold) {
	if e.Held() {
		h = hs[keyOf(e)]
	}
	return h
}

// shouldHold decides whether to hold a host that is due. The eviction limit decides only about
// hosts that it has counted as missing.
func (s *state[M]) shouldHold(e index.Entry, counted bool, now int64) (h hold, stays bool) {
	h = s.holds.of(e)
	if !e.Held() {
		h = hold{since: now, awaitsLimit: s.cfg.EvictionLimit.on()}
	}
	switch {
	case h.awaitsLimit && counted:
		h = s.applyLimit(e, h, now)
	case h.awaitsLimit:
		h.limit, h.pending = evictlimit.Reason{}, true
	}
	switch {
	case h.awaitsLimit:
	case s.cfg.Confirm != nil && !h.awaitsOnlyMembers(e.Word()):
		h = s.awaitConfirm(e, h)
	case s.vouches != nil:
		h.confirm = awaitsMembers
		s.local.note(e, &s.todo.wake)
	}
	stays = h.awaitsLimit || s.cfg.Confirm != nil || s.vouches != nil
	if e.Held() || stays {
		s.hold(e, h, now)
	}
	return h, stays
}

// applyLimit lets the eviction limit decide about a host that waits for it.
func (s *state[M]) applyLimit(e index.Entry, h hold, now int64) hold {
	h.expired = s.limiter.HoldLeft(h.since, s.stalls.Common(), now) <= 0
	if h.awaitsLimit = !h.expired; h.expired {
		return h
	}
	why, ok := s.limiter.Spend(e.Zone(), e.Interval(), s.stalls.Common(), now)
	if h.awaitsLimit = !ok; !ok {
		h.limit, h.pending = why, false
	}
	return h
}

// awaitConfirm makes sure that a host waits for Confirm or that Confirm is asked about it now.
func (s *state[M]) awaitConfirm(e index.Entry, h hold) hold {
	if h.turn == nil {
		h.turn, h.confirm = newTurn(e), awaitsConfirm
	}
	if h.confirm == awaitsMembers { // it is due for another silence by now
		h.confirm = awaitsConfirm
	}
	s.confirms.join(h.turn)
	return h
}

// holdOn holds a host on, after an answer that allows no eviction. Its next check puts it into the
// queue again.
func (s *state[M]) holdOn(e index.Entry, t *turn, why confirmation, now int64) {
	t.state = answered
	h := s.holds.of(e)
	if h.confirm == awaitsConfirm && why != awaitsConfirm {
		s.recorder.held(e, why.String(), now)
	}
	if why == refused {
		s.counts.Confirm.Refused++
	}
	h.confirm = why
	s.hold(e, h, now)
}

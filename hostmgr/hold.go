package hostmgr

import (
	"strings"
	"time"
)

const holdPause = time.Second // until a host that is held is looked at again

// A hold is why a host that is due is still here: it waits for the guard, and then for
// Confirm.
type hold struct {
	since   int64
	guard   string // why it waited for that, or waits
	confirm string // likewise
	waits   bool   // for the guard
	expired bool   // the guard let it go, because its Hold was over
}

const (
	awaitsGuard   = "awaiting the guard"
	awaitsConfirm = "awaiting Confirm"
)

// by says what holds the host, and has held it.
func (h hold) by() string {
	if h.guard != "" && h.confirm != "" {
		return h.guard + "; then " + h.confirm
	}
	return h.guard + h.confirm
}

// byGuard tells whether the guard decided to hold the host.
func (h hold) byGuard() bool { return h.guard != "" && h.guard != awaitsGuard }

// held is why a life is held, if it is. The caller holds Registry.mu, as for all below.
func (l life[M]) held() (h hold, held bool) {
	if l.page.holds != nil { // else the key need not be fetched
		h, held = l.page.holds[l.recordNo()]
	}
	return h, held
}

func (l life[M]) setHold(h hold) {
	if l.page.holds == nil {
		l.page.holds = map[uint16]hold{}
	}
	l.page.holds[l.recordNo()] = h
}

// refuse notes why Confirm holds a host.
func (r *Registry[M]) refuse(l life[M], why string, now int64) {
	h, held := l.held()
	if !held {
		return
	}
	if h.confirm == awaitsConfirm {
		r.counts.HeldByConfirm++
		r.recordHold(l, why, now)
	}
	h.confirm = why
	l.setHold(h)
}

// detain decides whether something holds a host that is due. The guard decides only on one
// that it has counted.
func (r *Registry[M]) detain(l life[M], counted bool, now int64) (h hold, stays bool) {
	h, held := l.held()
	if !held {
		h = hold{since: now, waits: r.cfg.Guard.on()}
	}
	switch {
	case h.waits && counted:
		h = r.review(l, h, now)
	case h.waits:
		h.guard = awaitsGuard
	}
	if !h.waits && r.cfg.Confirm != nil && h.confirm == "" {
		h.confirm = awaitsConfirm
	}
	stays = h.waits || r.cfg.Confirm != nil
	if held || stays {
		r.hold(l, h, now)
	}
	return h, stays
}

// hold holds a host, or goes on to.
func (r *Registry[M]) hold(l life[M], h hold, now int64) {
	was, held := l.held()
	if held && h == was {
		return
	}
	if !held {
		r.zones.hold(l.mark().zone, 1)
	}
	if h.waits != was.waits {
		r.brake(l, h.waits)
	}
	if h.byGuard() && !was.byGuard() {
		r.counts.HeldByGuard++
		r.recordHold(l, h.guard, now)
	}
	l.setHold(h)
}

// release lets go of a host, if it is held. The map goes with its last entry, for maps do
// not shrink.
func (r *Registry[M]) release(l life[M]) {
	h, held := l.held()
	if !held {
		return
	}
	if h.waits {
		r.brake(l, false)
	}
	delete(l.page.holds, l.recordNo())
	if len(l.page.holds) == 0 {
		l.page.holds = nil
	}
	r.zones.hold(l.mark().zone, -1)
}

// keep returns when a host that is held needs the next look, and adds it to those that
// Confirm is to be asked about.
func (r *Registry[M]) keep(l life[M], h hold, now int64, rep *SweepReport, due []candidate) (int64, []candidate) {
	rep.Held++
	switch {
	case !h.waits:
		return now + int64(holdPause), append(due, candidate{strings.Clone(l.id()), l.key().number})
	case h.guard == awaitsGuard: // which decides in the next sweep, at once
		return now + 1, due
	default:
		left := int64(r.cfg.Guard.Hold) - r.ledger.listened(h.since, now)
		return now + min(int64(holdPause), left+1), due
	}
}

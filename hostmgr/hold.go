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

// hold begins to hold a host. The caller holds mu.
func (r *Registry[M]) hold(l life[M], now int64) hold {
	h := hold{since: now, confirm: awaitsConfirm}
	if r.cfg.Guard.on() {
		h = hold{since: now, guard: awaitsGuard, waits: true}
		r.brake(l, now)
	}
	if r.holds == nil {
		r.holds = map[uint64]hold{}
	}
	r.holds[l.key().number] = h
	return h
}

// release forgets why a host was held; the map itself goes with its last entry,
// for maps do not shrink. The caller holds mu.
func (r *Registry[M]) release(l life[M]) {
	if r.holds == nil {
		return
	}
	n := l.key().number
	if r.holds[n].waits {
		r.unbrake(l)
	}
	delete(r.holds, n)
	if len(r.holds) == 0 {
		r.holds = nil
	}
}

// detain decides whether something holds a host that is due. The caller holds mu.
func (r *Registry[M]) detain(l life[M], now int64) (h hold, stays bool) {
	n := l.key().number
	h, known := r.holds[n]
	switch {
	case !known:
		h = r.hold(l, now)
	case h.waits:
		h = r.review(l, h, now)
		r.holds[n] = h
	}
	return h, h.waits || r.cfg.Confirm != nil
}

// refuse notes why Confirm holds a host.
func (r *Registry[M]) refuse(number uint64, why string) {
	if h, known := r.holds[number]; known {
		h.confirm = why
		r.holds[number] = h
	}
}

// keep returns when a host that is held needs the next look, and adds it to those that
// Confirm is to be asked about.
func (r *Registry[M]) keep(l life[M], h hold, now int64, rep *SweepReport, due []candidate) (int64, []candidate) {
	l.page.held = true
	rep.Held++
	switch {
	case !h.waits:
		return now + int64(holdPause), append(due, candidate{strings.Clone(l.id()), l.key().number})
	case h.since == now: // the guard has not decided on it yet
		return now + 1, due
	default:
		return min(now+int64(holdPause), max(now, h.since+int64(r.cfg.Guard.Hold))+1), due
	}
}

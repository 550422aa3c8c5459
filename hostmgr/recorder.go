package hostmgr

import (
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/eventlog"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// A recorder writes events to the event log, in the format of package flight. The registry's lock
// guards it.
type recorder struct {
	events  *eventlog.Log // nil: nothing is recorded
	stalls  *detector.Stalls
	zones   *zones
	pending bool // records were made since the last unlock
}

// host begins a record about a host. The caller ends the record.
func (r *recorder) host(kind string, e index.Entry, now int64) eventlog.Record {
	r.pending = true
	l := r.events.Begin(kind, now)
	l.Text("id", e.ID())
	l.Num("registration", int64(e.Registration()))
	l.Num("interval", int64(e.Timeouts().Interval))
	return l
}

// joined records a new registration.
func (r *recorder) joined(e index.Entry, now int64) {
	if r.events == nil {
		return
	}
	l := r.host("joined", e, now)
	l.Num("incarnation", int64(e.Incarnation()))
	l.Text("zone", r.zones.of(e))
	l.End()
}

// silence records a silence that has ended: its end, the timeouts that it was compared with, and
// what held the host.
func (r *recorder) silence(kind string, e index.Entry, a *assessment, h hold, last, now int64) {
	if r.events == nil {
		return
	}
	last = min(last, now) // the clock may have stepped back since
	t := a.timeouts(e)
	l := r.host(kind, e, now)
	l.Num("last-contact", last)
	l.Num("timeout", int64(t.Evict))
	r.stalled(l, t, last, now)
	if e.Held() && h.since <= now { // a contact may be heard of only after that
		l.Text("held", h.String())
		l.Num("since", h.since)
	}
	l.NumIf("mean", int64(a.history.Mean))
	l.NumIf("deviation", int64(a.history.Deviation))
	l.NumIf("count", int64(a.history.Count))
	l.Num("last-sweep", min(r.stalls.LastObserved(), now))
	l.Text("judgement", a.judgement)
	l.End()
}

// stalled adds the deadline and the stalls of a silence to its record.
func (r *recorder) stalled(l eventlog.Record, t *detector.Timeouts, last, now int64) {
	log := r.stalls.Of(t)
	if at, due := log.Due(last, t, now+1); due {
		l.Num("due", at-1)
	}
	l.NumIf("stalled", r.stalls.StallTime(t, last, now))
	if log.Stalled(now) > 0 {
		l.Num("stalled-since", log.LastObserved())
	}
}

// held records a decision to hold a host.
func (r *recorder) held(e index.Entry, why string, now int64) {
	if r.events == nil {
		return
	}
	l := r.host("held", e, now)
	l.Text("by", why)
	l.End()
}

// stall records a stall of all hosts, or a gap, which is a stall for impatient hosts only.
func (r *recorder) stall(kind string, stall *detector.Stall) {
	if r.events == nil {
		return
	}
	r.pending = true
	l := r.events.Begin(kind, stall.To)
	l.Num("from", stall.From)
	l.Num("limit", stall.Limit)
	if kind == "gap" {
		l.Num("given", r.stalls.Threshold())
	}
	l.End()
}

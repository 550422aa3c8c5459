package hostmgr

import (
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// assess sets a to the verdict on a host at now. An entry that has ended is assessed by its last
// contact.
func (s *view[M]) assess(a *assessment, e index.Entry, now int64) {
	a.assess(e, s.stalls, s.policies.needHistory, now)
	if len(s.restored.hosts) > 0 {
		s.restored.judge(a, e)
	}
	if s.vouches != nil {
		s.vouches.judge(a, e, s.stalls, now)
	}
}

// snapshot sets all of h to the host as it is at now. The caller keeps the id: it is not copied.
func (s *view[M]) snapshot(h *Host[M], e index.Entry, id string, now int64) {
	var a assessment
	s.assess(&a, e, now)
	s.show(h, e, id, &a)
}

// ownSnapshot is snapshot with a copy of the id.
func (s *view[M]) ownSnapshot(h *Host[M], e index.Entry, now int64) {
	s.snapshot(h, e, strings.Clone(e.ID()), now)
}

// show sets all of h to the host as it was assessed.
func (s *view[M]) show(h *Host[M], e index.Entry, id string, a *assessment) {
	h.ID, h.State = id, State(a.State)
	s.metadata.load(e, &h.Metadata)
	header := e.Header()
	h.Interval, h.Incarnation, h.Registration = header.Interval, header.Incarnation, header.Registration
	h.Zone, h.Joined = s.zones.of(e), s.clock.Wall(e.Joined())
	h.LastContact = s.clock.Wall(a.Contact)
	if len(s.restored.hosts) > 0 {
		s.showRestored(h, e, a)
	}
	h.SuspectAt, h.EvictAt = s.clock.Wall(a.SuspectAt), s.clock.Wall(a.EvictAt)
	h.Evictions = s.flapping.Evictions(uint64(e.Hash()))
	h.Hold, h.HoldUntil = HoldReason{}, time.Time{}
	if a.State == detector.StateOffline && e.Held() {
		s.showHold(h, s.holds.of(e))
	}
}

func (s *view[M]) showHold(h *Host[M], held hold) {
	h.Hold = held.HoldReason
	if held.awaitsLimit {
		now := s.stalls.LastObserved()
		h.HoldUntil = s.clock.Wall(now + s.limiter.HoldLeft(held.since, s.stalls.Common(), now))
	}
}

// questionOf returns what the answer of the policies for a host depends on.
func (s *view[M]) questionOf(e index.Entry) question {
	q := question{interval: e.Interval()}
	if s.policies.foreign {
		q.zone = s.zones.of(e)
	}
	return q
}

// showRestored shows a host that has made no contact since Restore: its last contact was before
// Restore, and it is at least late if its interval has passed since then. Its deadlines count from
// Restore. No decision depends on this: a host that is late is not treated differently.
func (s *view[M]) showRestored(h *Host[M], e index.Entry, a *assessment) {
	r, ok := s.restored.of(e, a.Word)
	if !ok || a.Contact > r.at { // another member vouched for it later
		return
	}
	h.LastContact = s.clock.Wall(r.last)
	interval := int64(a.timeouts(e).Interval)
	if h.State == StateAlive && h.Interval != Never && r.at-r.last > interval-a.Silence {
		h.State = StateLate
	}
}

// departure returns the departure and its evidence, without Attempt.
func (s *view[M]) departure(e index.Entry, k DepartureKind, a *assessment, now int64) *Departure[M] {
	d := &Departure[M]{Kind: k, At: s.clock.Wall(now)}
	s.show(&d.Host, e, strings.Clone(e.ID()), a)
	t := a.timeouts(e)
	d.Evidence = Evidence{
		Silence: time.Duration(a.Silence), StallTime: time.Duration(a.StallTime),
		Interval: t.Interval, Timeout: t.Evict, Judgement: a.judgement,
	}
	if r, ok := s.restored.of(e, a.Word); ok && a.Contact <= r.at {
		d.BeforeRestore = time.Duration(r.at - r.last)
	}
	if t.NeedsHistory {
		d.Mean, d.Deviation, d.Count = a.history.Mean, a.history.Deviation, a.history.Count
	}
	if h := s.holds.of(e); e.Held() && now > h.since && a.State == detector.StateOffline {
		held := min(s.stalls.Common().ObservedTime(h.since, now), now-a.EvictAt)
		d.Hold, d.HeldFor = h.HoldReason, time.Duration(held)
	}
	if a.elsewhere != nil {
		d.Evidence = *a.elsewhere
	}
	return d
}

package hostmgr

import (
	"cmp"

	"github.com/hostlife/hostlife/hostmgr/internal/claims"
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// An announcement of the current registration may come from another machine, or out of order. If it
// says its speaker or its revision, the registry can tell. Otherwise it counts announcements that
// contradict each other. What it remembers is in a map by registration, so that other hosts pay
// nothing.

// An applying applies one announcement of a host that is registered. Its methods are called with
// the lock held.
type applying[M any] struct {
	state          *state[M]
	a              Announcement[M]
	hash           index.Hash
	current        index.Entry // the current registration
	first, requote quote       // for a new registration, and for a refresh
	now            int64
}

// again applies an announcement to the current registration. It refuses one by another speaker, and
// takes one that was overtaken as a mere contact.
func (x *applying[M]) again() (Ack, error) {
	said, had := x.state.said(&x.a), x.state.claims.Of(claimKey(x.current))
	switch {
	case had.Contradicts(said):
		return x.takeOver()
	case had.Overtook(said):
		return x.contactOnly(), nil
	case said.Speaker == 0 || said.Speaker != had.Speaker: // otherwise it may change as often as it likes
		x.state.compare(x.current, &x.a, x.requote.timeouts, x.now)
	}
	return x.state.refresh(x.current, &x.a, &x.requote, x.now), nil
}

func claimKey(e index.Entry) claims.Key {
	return claims.Key{Hash: uint64(e.Hash()), Registration: e.Registration()}
}

// said returns what an announcement says about itself.
func (s *view[M]) said(a *Announcement[M]) (c claims.Claim) {
	if a.Speaker != "" {
		c.Speaker = uint64(s.index.Hash(a.Speaker))
	}
	c.Revision = a.Revision
	return c
}

// contactOnly takes an announcement as a contact, and answers it. The host may be told at most the
// interval that its timeouts are for.
func (x *applying[M]) contactOnly() Ack {
	x.state.counts.Overtaken++
	x.state.touch(x.current, x.a.contact(x.state.clock, x.now), x.now)
	interval := x.current.Interval()
	return x.state.ack(x.current, interval, min(interval, x.requote.most), x.now)
}

// takeOver replaces a registration by that of another speaker, if it is suspect or due. Otherwise
// there is a conflict. The incarnation is the same, and so has not ended.
//
// It compares and ends: a heartbeat at this moment saves the registration. A heartbeat after that,
// and before the new registration is there, is told to announce itself.
func (x *applying[M]) takeOver() (Ack, error) {
	var a assessment
	for x.state.assess(&a, x.current, x.now); a.State >= detector.StateSuspect; x.state.assess(&a, x.current, x.now) {
		if x.current.Evict(a.Word) {
			x.a.Incarnation, x.a.Zone = x.current.Incarnation(), cmp.Or(x.a.Zone, x.state.zones.of(x.current))
			return x.state.replace(x.current, &x.a, x.hash, &x.first, x.now), nil
		}
	}
	x.state.conflict(x.a.ID)
	return Ack{}, ErrConflict
}

// compare counts a conflict if announcements of the registration contradict each other: more of
// them change it than one host would send. Two machines with one id, each of which announces itself
// once an interval, change it twice an interval. t are the timeouts that the announcement brings.
//
// A host that announces itself once an interval pays for a comparison of two times.
func (s *state[M]) compare(e index.Entry, a *Announcement[M], t *detector.Timeouts, now int64) {
	early := isEarly(e, now)
	if !early && s.claims == nil || !s.changes(e, a, t) {
		return
	}
	if s.claims == nil {
		s.claims = new(claims.Claims)
	}
	if s.claims.Changed(claimKey(e), int64(e.Interval()), early, now) {
		s.conflict(a.ID)
	}
}

// changes reports whether an announcement changes the registration. With Pacing a host announces
// the interval that it was told, so it may be another one each time. A host that makes no contacts
// may be announced again at any time.
func (s *view[M]) changes(e index.Entry, a *Announcement[M], t *detector.Timeouts) bool {
	if e.Interval() == Never {
		return false
	}
	return a.Zone != "" && a.Zone != s.zones.of(e) ||
		s.advisor == nil && t.Interval != e.Interval() ||
		s.plain && s.metadata.differs(e, &a.Metadata)
}

// isEarly reports whether a contact now comes less than 3/4 of an interval after the last one.
func isEarly(e index.Entry, now int64) bool {
	return now-index.ContactOf(e.Word()) < int64(e.Interval())*3/4
}

// conflict counts a conflict; unlock logs it.
func (s *state[M]) conflict(id string) {
	s.counts.Conflicts++
	s.todo.conflict = id
}

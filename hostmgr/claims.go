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

// An applying applies one announcement. Its methods are called with the lock held.
type applying[M any] struct {
	*state[M]
	a              Announcement[M]
	hash           index.Hash
	current        index.Entry // the current registration, if there is one
	first, requote quote       // for a new registration, and for a refresh
	now            int64
}

// again applies an announcement to the current registration. It refuses one by another speaker, and
// takes one that was overtaken as a mere contact.
func (x *applying[M]) again() (ack Ack, err error) {
	if x.a.Speaker == "" && x.a.Revision == 0 {
		return x.compareAndRefresh(), nil
	}
	said, had := x.said(), x.claims.Of(claimKey(x.current))
	switch {
	case had.Contradicts(said):
		return x.takeOver()
	case had.Overtook(said):
		return x.contactOnly(), nil
	case said.Speaker != 0 && said.Speaker == had.Speaker: // it may change as often as it likes
		ack = x.refresh(x.current, &x.a, &x.requote, x.now)
	default:
		ack = x.compareAndRefresh()
	}
	x.claim(ack)
	return ack, nil
}

func claimKey(e index.Entry) claims.Key {
	return claims.Key{Hash: uint64(e.Hash()), Registration: e.Registration()}
}

// said returns what the announcement says about itself.
func (x *applying[M]) said() (c claims.Claim) {
	if x.a.Speaker != "" {
		c.Speaker = uint64(x.index.Hash(x.a.Speaker))
	}
	c.Revision = x.a.Revision
	return c
}

// claim remembers what the announcement says. ack is the answer to it, zero if it was refused.
func (x *applying[M]) claim(ack Ack) {
	if x.a.Speaker == "" && x.a.Revision == 0 || ack.Registration == 0 {
		return
	}
	if x.claims == nil {
		x.claims = new(claims.Claims)
	}
	x.claims.Add(claims.Key{Hash: uint64(x.hash), Registration: ack.Registration}, x.said())
}

// contactOnly takes an announcement as a contact, and answers it. The host may be told at most the
// interval that its timeouts are for.
func (x *applying[M]) contactOnly() Ack {
	x.counts.Overtaken++
	x.touch(x.current, x.now, x.now)
	interval := x.current.Interval()
	return x.ack(x.current, interval, min(interval, x.requote.most), x.now)
}

// takeOver replaces a registration by that of another speaker, if it is suspect or due. Otherwise
// there is a conflict. The incarnation is the same, and so has not ended.
//
// It compares and ends: a heartbeat at this moment saves the registration. A heartbeat after that,
// and before the new registration is there, is told to announce itself.
func (x *applying[M]) takeOver() (Ack, error) {
	var a assessment
	for x.assess(&a, x.current, x.now); a.State >= detector.StateSuspect; x.assess(&a, x.current, x.now) {
		if x.current.Evict(a.Word) {
			x.a.Incarnation, x.a.Zone = x.current.Incarnation(), cmp.Or(x.a.Zone, x.zones.of(x.current))
			ack := x.replace(x.current, &x.a, x.hash, &x.first, x.now)
			x.claim(ack)
			return ack, nil
		}
	}
	x.conflict()
	return Ack{}, ErrConflict
}

// compareAndRefresh is refresh, and counts a conflict if announcements of the registration
// contradict each other: more of them change it than one host would send. Two machines with one id,
// each of which announces itself once an interval, change it twice an interval.
//
// A host that announces itself once an interval pays for a comparison of two times.
func (x *applying[M]) compareAndRefresh() Ack {
	early := isEarly(x.current, x.now)
	if (early || x.claims != nil) && x.changes() && x.contradicts(early) {
		x.conflict()
	}
	return x.refresh(x.current, &x.a, &x.requote, x.now)
}

// changes reports whether the announcement changes the registration. With Pacing a host announces
// the interval that it was told, so it may be another one each time.
func (x *applying[M]) changes() bool {
	return x.a.Zone != "" && x.a.Zone != x.zones.of(x.current) ||
		x.advisor == nil && x.requote.timeouts.Interval != x.current.Interval() ||
		x.comparesMetadata && x.metadata.differs(x.current, &x.a.Metadata)
}

// isEarly reports whether a contact now comes less than 3/4 of an interval after the last one.
func isEarly(e index.Entry, now int64) bool {
	return now-index.ContactOf(e.Word()) < int64(e.Interval())*3/4
}

// contradicts reports whether a change contradicts another one.
func (x *applying[M]) contradicts(early bool) bool {
	if x.claims == nil {
		x.claims = new(claims.Claims)
	}
	return x.claims.Changed(claimKey(x.current), int64(x.current.Interval()), early, x.now)
}

// conflict counts a conflict; unlock logs it.
func (x *applying[M]) conflict() {
	x.counts.Conflicts++
	x.todo.conflict = x.a.ID
}

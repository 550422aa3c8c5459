package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/claims"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Announce registers a host, or refreshes it and its metadata. It is a contact, even for a host
// that is StateOffline but not yet evicted. It protects the host as Heartbeat does; with a
// LastContact, the timeout counts from then.
//
// The incarnation of the announcement decides. An equal one refreshes the host. A greater one
// replaces it: the old registration ends as DepartureReplaced. A lower one is refused with
// ErrStale, and so is one that has ended: see Announcement.Incarnation. ErrConflict means that
// another speaker has the id: see Announcement.Speaker. Other errors wrap ErrInvalid, or are
// ErrFull. With an error the Ack is zero, except that with ErrStale its Incarnation is the one that
// refused: see ErrStale.
//
// A refresh with a zero Interval or Zone keeps the interval or the zone that the host has.
func (r *Registry[M]) Announce(a Announcement[M]) (Ack, error) {
	if err := checkAnnouncement(&a); err != nil {
		return Ack{}, err
	}
	asOfThen := a.LastContact != (time.Time{})
	if asOfThen {
		r.clock.SyncWall()
	}
	c := announcing[M]{r: r, hash: r.index.Hash(a.ID)}
	ack, err := c.register(&a)
	if r.policies.needHistory && err == nil {
		registered := contact[M]{r: r, hash: c.hash, id: a.ID}
		registered.updateTimeoutsOf(ack.Registration)
		if asOfThen {
			registered.recheck()
		}
	}
	return ack, err
}

// An announcing is one call of Announce. Its methods are called with no lock held. The announcement
// is their argument: a field for it would cost a copy or an allocation.
type announcing[M any] struct {
	r     *Registry[M]
	hash  index.Hash
	asked question // that the quotes are for
	round uint64   // that was published when they were asked for: see answers
	again bool     // it starts over: asked has the zone that apply has found
	told  uint64   // the incarnation that was announced, if it means the current registration: see view.wasTold
}

// register makes the quotes and applies the announcement. It starts over if the quotes are for an
// interval, or a zone, that the announcement no longer means. Then another call has changed the
// host since the quotes were made. So of several calls for a host one always succeeds, and a call
// that starts over again and again meets as many calls that succeed. Only an announcement with a
// zero Interval or Zone can start over, and two of these do not make each other start over: neither
// changes what the other one means by zero, except once each time that Pacing advises a longer
// interval. Any announcement starts over once for each Reconsider, and once for a wrong guess: see
// zone.
func (c *announcing[M]) register(a *Announcement[M]) (Ack, error) {
	for {
		kept := c.r.policies.answers.Load() // first: the quotes are from then, or newer
		c.round = kept.round
		c.asked.interval = a.Interval
		if a.Interval == 0 {
			e, ok := c.find(a.ID)
			c.asked.interval = a.intervalFor(e, ok)
		}
		if c.r.policies.foreign && !c.again {
			c.asked.zone = c.zone(a, kept)
		}
		first, again := c.r.quotes(c.asked)
		if ack, done, err := c.apply(a, &first, &again); done {
			return ack, err
		}
	}
}

// zone returns the zone that the announcement means. That may change until the lock is held.
//
// If the policies have answered for hosts without a zone, zone guesses that this is one of them.
// The guess saves a search for the host. A wrong guess costs one, because apply finds the real
// zone.
func (c *announcing[M]) zone(a *Announcement[M], kept *answers) string {
	if _, asked := kept.anywhere[c.asked.interval]; asked || a.Zone != "" {
		return a.Zone
	}
	v := c.r.peek()
	defer c.r.mu.RUnlock()
	e, ok := v.index.Lookup(c.hash, a.ID)
	return a.zoneFor(v.zones, e, ok)
}

// find returns the current registration of the host.
func (c *announcing[M]) find(id string) (e index.Entry, ok bool) {
	if e, ok = c.r.index.Find(c.hash); ok && e.Collides() {
		v := c.r.peek()
		defer c.r.mu.RUnlock()
		e, ok = v.index.Lookup(c.hash, id)
	}
	return e, ok
}

// zoneFor returns the zone that the announcement means, with e and ok as for intervalFor.
func (a *Announcement[M]) zoneFor(z *zones, e index.Entry, ok bool) string {
	if a.Zone == "" && ok && a.refreshes(e) {
		return z.of(e)
	}
	return a.Zone
}

// intervalFor returns the interval that the announcement means, if e is the current registration of
// its host, or if it has none. The quotes depend on this and on the zone, and on nothing else in
// the announcement.
func (a *Announcement[M]) intervalFor(e index.Entry, ok bool) time.Duration {
	switch {
	case a.Interval != 0:
		return a.Interval
	case ok && a.refreshes(e):
		return e.Interval()
	default:
		return DefaultInterval
	}
}

// refreshes reports whether the announcement is one of this registration.
func (a *Announcement[M]) refreshes(e index.Entry) bool {
	return a.Incarnation == 0 || a.Incarnation == e.Incarnation()
}

// apply applies the announcement. done is false, and nothing was changed, if the quotes are not for
// what it means now, or may be from before a Reconsider.
func (c *announcing[M]) apply(a *Announcement[M], first, again *quote) (ack Ack, done bool, err error) {
	s, now := c.r.lock()
	defer c.r.unlock()
	s.index.Reserve(c.hash)
	old, ok := s.index.Lookup(c.hash, a.ID)
	if c.told != 0 {
		a.Incarnation, c.told = c.told, 0
	}
	if ok && s.vouches != nil && s.wasTold(old, a.Incarnation) {
		c.told, a.Incarnation = a.Incarnation, 0 // it means the current registration
	}
	if c.asked.interval != a.intervalFor(old, ok) || s.round != c.round ||
		s.policies.foreign && c.asked.zone != a.zoneFor(s.zones, old, ok) {
		c.asked.zone, c.again = a.zoneFor(s.zones, old, ok), true
		return Ack{}, false, nil
	}
	claiming := a.Speaker != "" || a.Revision != 0
	switch {
	case !ok:
		ack, err = s.begin(a, c.hash, first, now)
	case !claiming && a.refreshes(old): // not by an applying: to make one takes time
		s.compare(old, a, again.timeouts, now)
		ack = s.refresh(old, a, again, now)
	default:
		ack, err = (&applying[M]{s, *a, c.hash, old, *first, *again, now}).announce()
	}
	if claiming {
		c.claim(s, a, ack)
	}
	return ack, true, err
}

// announce applies the announcement to the current registration, or begins another one.
func (x *applying[M]) announce() (Ack, error) {
	if x.a.refreshes(x.current) {
		return x.again()
	}
	return x.beginAnother()
}

// claim remembers what the announcement says. ack is the answer to it, zero if it was refused.
func (c *announcing[M]) claim(s *state[M], a *Announcement[M], ack Ack) {
	if ack.Registration == 0 {
		return
	}
	if s.claims == nil {
		s.claims = new(claims.Claims)
	}
	s.claims.Add(claims.Key{Hash: uint64(c.hash), Registration: ack.Registration}, s.said(a))
}

// checkAnnouncement validates an announcement.
func checkAnnouncement[M any](a *Announcement[M]) error {
	if err := checkName("id", a.ID, 1); err != nil {
		return err
	}
	if err := checkName("zone", a.Zone, 0); err != nil {
		return err
	}
	if err := checkName("speaker", a.Speaker, 0); err != nil {
		return err
	}
	return checkInterval(a.Interval)
}

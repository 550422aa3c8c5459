package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Announce registers a host, or refreshes it and its metadata. It is a contact, even for a host
// that is StateOffline but not yet evicted. It protects the host as Heartbeat does.
//
// The incarnation of the announcement decides. An equal one refreshes the host. A greater one
// replaces it: the old registration ends as DepartureReplaced. A lower one is refused with
// ErrStale. Other errors wrap ErrInvalid, or are ErrFull.
func (r *Registry[M]) Announce(a Announcement[M]) (Ack, error) {
	if err := checkAnnouncement(&a); err != nil {
		return Ack{}, err
	}
	first, again := r.quotes(a.Interval)
	h := r.index.Hash(a.ID)
	ack, err := r.announce(a, h, first, again)
	if r.policies.needHistory && err == nil {
		r.updateAfterAnnounce(h, a.ID, ack.Registration)
	}
	return ack, err
}

func (r *Registry[M]) announce(a Announcement[M], h index.Hash, first, again quote) (Ack, error) {
	s, now := r.lock()
	defer r.unlock()
	s.index.Reserve(h)
	old, ok := s.index.Lookup(h, a.ID)
	if !ok {
		return s.join(a, h, first, now, now, 0)
	}
	switch current := old.Incarnation(); {
	case a.Incarnation == 0 || a.Incarnation == current:
		return s.refresh(old, a, again, now), nil
	case a.Incarnation < current:
		return Ack{}, ErrStale
	default:
		return s.replace(old, a, h, first, now), nil
	}
}

// updateAfterAnnounce is updateTimeouts for the registration that an Announce has made or
// refreshed.
func (r *Registry[M]) updateAfterAnnounce(h index.Hash, id string, registration uint64) {
	e, ok := r.peek().find(h, id, registration)
	r.mu.RUnlock()
	if ok {
		r.updateTimeouts(e, id)
	}
}

// checkAnnouncement validates an announcement, and sets defaults for zero fields.
func checkAnnouncement[M any](a *Announcement[M]) (err error) {
	if err = checkName("id", a.ID, 1); err != nil {
		return err
	}
	if err = checkName("zone", a.Zone, 0); err != nil {
		return err
	}
	a.Interval, err = checkInterval(a.Interval)
	return err
}

// A quote is the data for the answer to an announcement.
type quote struct {
	had, most time.Duration      // what the host was told before, and may be told: see pacing.Advisor.Pick
	timeouts  *detector.Timeouts // that it has from then on
}

// quotes returns one quote for a host that joins, and one for a host that is registered. It may ask
// the policy, so no lock may be held.
func (p *parts[M]) quotes(said time.Duration) (first, again quote) {
	if p.advisor == nil {
		again = p.quote(said, 0)
		return again, again
	}
	now := p.clock.Now()
	again = p.quote(said, p.advisor.Interval(now))
	had, most := p.advisor.QuoteJoin(now)
	if had == again.had && most == again.most {
		return again, again
	}
	first = p.quote(said, most)
	first.had = had
	return first, again
}

func (p *parts[M]) quote(said, most time.Duration) quote {
	return quote{most, most, p.policies.timeouts(p.advisor.EffectiveInterval(said, most))}
}

// ack answers the announcement of a host that was told the interval had, and may be told up to
// most.
func (s *state[M]) ack(e index.Entry, had, most time.Duration, now int64) Ack {
	ack := Ack(e.Header())
	if s.advisor != nil {
		ack.Interval = s.advisor.Pick(ack.Registration, had, most, now)
	}
	return ack
}

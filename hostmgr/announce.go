package hostmgr

import "strings"

// Announce registers a host, or refreshes it and its metadata. It is a sign of
// life, also from a host that is Offline already but not swept yet.
//
// An incarnation equal to that of the living host refreshes it, a greater one
// replaces it (Replaced, then Joined), a lower one is ErrStale. Otherwise the
// error wraps ErrInvalid, or is ErrFull.
func (r *Registry[M]) Announce(a Announcement[M]) (Lease, error) {
	t, err := r.check(&a)
	if err != nil {
		return Lease{}, err
	}
	now := r.lock()
	defer r.unlock()
	old, ok := r.index.Load(a.ID)
	switch {
	case !ok:
		return r.join(a, t, now, now)
	case a.Incarnation == 0 || a.Incarnation == old.incarnation:
		return r.refresh(old, a, t, now), nil
	case a.Incarnation < old.incarnation:
		return Lease{}, ErrStale
	default:
		return r.replace(old, a, t, now), nil
	}
}

// check validates an announcement and finds its terms, outside any lock: that
// may call the policy.
func (r *Registry[M]) check(a *Announcement[M]) (t *terms, err error) {
	if err = checkName("id", a.ID, 1); err != nil {
		return nil, err
	}
	if err = checkName("zone", a.Zone, 0); err != nil {
		return nil, err
	}
	if a.Interval, err = checkInterval(a.Interval); err != nil {
		return nil, err
	}
	return r.judge.terms(a.Interval), nil
}

// join begins a life. The caller holds mu and knows that the id has none.
func (r *Registry[M]) join(a Announcement[M], t *terms, now, joined int64) (Lease, error) {
	if r.cfg.MaxHosts > 0 && r.roster.n >= r.cfg.MaxHosts {
		return Lease{}, ErrFull
	}
	l := r.newLife(a, t, now, joined)
	r.index.Store(l.id, l)
	r.admit(l, a.Zone, now)
	return l.lease(), nil
}

// replace ends the old life and begins the new one. The index changes first, so
// that a heartbeat never finds the id unknown in between.
func (r *Registry[M]) replace(old *life[M], a Announcement[M], t *terms, now int64) Lease {
	l := r.newLife(a, t, now, now)
	r.index.Store(l.id, l)
	old.word.end()
	r.depart(old, Replaced, now)
	r.admit(l, a.Zone, now)
	return l.lease()
}

func (r *Registry[M]) newLife(a Announcement[M], t *terms, now, joined int64) *life[M] {
	if a.Incarnation == 0 {
		r.incarnation++
		a.Incarnation = r.incarnation
	}
	r.lives++
	l := &life[M]{
		id: strings.Clone(a.ID), number: r.lives, incarnation: a.Incarnation,
		joined: joined, metadata: a.Metadata,
	}
	l.word.set(now)
	l.terms.Store(t)
	return l
}

func (r *Registry[M]) admit(l *life[M], zone string, now int64) {
	l.zone = r.zones.enter(zone)
	next := r.verdict(l, now).next(false)
	r.roster.add(l, next)
	r.plan(next)
	r.counts.Joins++
	r.emit(Joined, l, now)
}

// refresh takes over what a living host says of itself now.
func (r *Registry[M]) refresh(l *life[M], a Announcement[M], t *terms, now int64) Lease {
	if a.Zone != l.zone.name {
		r.zones.leave(l.zone)
		l.zone = r.zones.enter(a.Zone)
	}
	l.metadata = a.Metadata
	l.terms.Store(t)
	l.word.beat(now)
	r.reconsider(l, now)
	next := r.verdict(l, now).next(l.suspect)
	r.roster.hasten(l, next)
	r.plan(next)
	r.emit(Updated, l, now)
	return l.lease()
}

package hostmgr

import "time"

// Announce registers a host, or refreshes it and its metadata. It is a sign of
// life, also from a host that is Offline already but not swept yet.
//
// An incarnation equal to that of the living host refreshes it, a greater one
// replaces it (Replaced, then Joined), a lower one is ErrStale. Otherwise the
// error wraps ErrInvalid, or is ErrFull.
func (r *Registry[M]) Announce(a Announcement[M]) (Lease, error) {
	if err := check(&a); err != nil {
		return Lease{}, err
	}
	first, again := r.offers(a.Interval)
	h := r.table.hash(a.ID)
	lease, err := r.announce(a, h, first, again)
	if r.judge.learns && err == nil {
		r.adaptAnnounced(h, a.ID, lease.Life)
	}
	return lease, err
}

// adaptAnnounced is adapt for a life that announced itself.
func (r *Registry[M]) adaptAnnounced(h hash, id string, number uint64) {
	r.mu.RLock()
	l, ok := r.table.exactly(h, id)
	r.mu.RUnlock()
	if ok && l.key().number == number {
		r.adapt(l, id)
	}
}

func (r *Registry[M]) announce(a Announcement[M], h hash, first, again offer) (Lease, error) {
	now := r.lock()
	defer r.unlock()
	r.table.room(h)
	old, ok := r.table.exactly(h, a.ID)
	if !ok {
		return r.join(a, h, first, now, now, 0)
	}
	switch lived := old.key().incarnation; {
	case a.Incarnation == 0 || a.Incarnation == lived:
		return r.refresh(old, a, again, now), nil
	case a.Incarnation < lived:
		return Lease{}, ErrStale
	default:
		return r.replace(old, a, h, first, now), nil
	}
}

// check validates an announcement, and fills in what is left out.
func check[M any](a *Announcement[M]) (err error) {
	if err = checkName("id", a.ID, 1); err != nil {
		return err
	}
	if err = checkName("zone", a.Zone, 0); err != nil {
		return err
	}
	a.Interval, err = checkInterval(a.Interval)
	return err
}

// An offer is what the answer to an announcement rests on.
type offer struct {
	had, most time.Duration // what the host was told before, and may be told; see tell
	terms     *terms        // that it is judged by from then on
}

// offers are what a host is offered that joins, and one that is there already. Like offer it must be
// called without any lock.
func (r *Registry[M]) offers(said time.Duration) (first, again offer) {
	var now int64
	if r.metronome != nil {
		now = r.time.now()
	}
	again = r.offer(said, r.metronome.interval(now))
	had, most := r.metronome.welcome(now)
	if had == again.had && most == again.most {
		return again, again
	}
	first = r.offer(said, most)
	first.had = had
	return first, again
}

// offer must be called without any lock: it may call the policy.
func (r *Registry[M]) offer(said, most time.Duration) offer {
	return offer{most, most, r.judge.terms(r.metronome.judged(said, most))}
}

// join begins a life. The caller holds mu, has made room, and knows that the id
// has none. A number of 0 stands for the next one.
func (r *Registry[M]) join(a Announcement[M], h hash, o offer, now, joined int64, number uint64) (Lease, error) {
	if r.cfg.MaxHosts > 0 && r.zones.all.hosts >= r.cfg.MaxHosts {
		return Lease{}, ErrFull
	}
	l := r.birth(a, h, o.terms, now, joined, number)
	r.admit(l, r.zones.enter(a.Zone), now)
	r.makeUp(l)
	if ago, ok := r.evictees.returned(h, now); ok {
		r.counts.Returned++
		if r.cfg.Shadow != nil {
			r.shadowRejoined(o.terms, ago)
		}
	}
	return r.metronome.tell(l.lease(), o.had, o.most, now), nil
}

// replace ends the old life after the new one can be found, so that a heartbeat
// never finds the id unknown in between. Watchers are told in the other order. The new
// life takes the place of the old one in its zone: that is one host all the time.
func (r *Registry[M]) replace(old life[M], a Announcement[M], h hash, o offer, now int64) Lease {
	r.tolerates(o.terms, 1, now) // so that the threshold does not change in between
	defer r.tolerates(o.terms, -1, now)
	zone := old.mark().zone
	l := r.birth(a, h, o.terms, now, now, 0)
	r.depart(old, Replaced, now)
	r.admit(l, r.zones.move(zone, a.Zone), now)
	return r.metronome.tell(l.lease(), o.had, o.most, now)
}

// birth puts a new life into the table, with that number, or the next one if it is 0.
func (r *Registry[M]) birth(a Announcement[M], h hash, t *terms, now, joined int64, number uint64) life[M] {
	if a.Incarnation == 0 {
		r.incarnation++
		a.Incarnation = r.incarnation
	}
	if r.lives = max(r.lives, number); number == 0 {
		r.lives++
		number = r.lives
	}
	l := r.table.page(h).take(h, t)
	l.setID(a.ID)
	l.store(&a.Metadata)
	l.record().setJoined(joined)
	l.fill(Lease{Incarnation: a.Incarnation, Life: number}, now<<1)
	l.page.tellApart(l, h)
	l.publish(h)
	return l
}

// admit tells watchers of a new life, and all that count; but its zone has counted it.
func (r *Registry[M]) admit(l life[M], zone uint8, now int64) {
	l.mark().zone = zone
	r.tolerates(l.terms(), 1, now)
	r.expect(l, now+l.terms().soonest(false)+1)
	r.metronome.joined(r.zones.all.hosts, now)
	r.counts.Joins++
	r.recordJoin(l, now)
	r.emit(Joined, l, now)
}

// expect sees to it that the host is looked at when its verdict may change. What is due already
// is left to the next sweep if one is under way: that one ends although hosts are observed, as of
// long ago, faster than it looks at them.
func (r *Registry[M]) expect(l life[M], next int64) {
	next = min(next, never)
	if r.scanning {
		next = max(next, r.ledger.last+1)
	}
	r.table.schedule.hasten(l.page, next)
	r.plan(next)
}

// refresh takes over what a living host says of itself now.
func (r *Registry[M]) refresh(l life[M], a Announcement[M], o offer, now int64) Lease {
	had := l.key().interval()
	r.heardNow(l, now, now) // before its zone is another
	zone := &l.mark().zone
	*zone = r.zones.move(*zone, a.Zone)
	l.store(&a.Metadata)
	r.judgeBy(l, o.terms, now)
	r.emit(Updated, l, now)
	return r.metronome.tell(l.lease(), had, o.most, now)
}

// judgeBy has a host that was heard just now judged by other terms, if they are others.
func (r *Registry[M]) judgeBy(l life[M], t *terms, now int64) {
	if *t != *l.terms() {
		r.tolerates(t, 1, now)
		r.tolerates(l.terms(), -1, now)
		l.setTerms(t)
		l.retune(t.interval)
		r.reconsider(l, now) // a sweep may have been quicker
	}
	r.expect(l, now+l.terms().soonest(l.mark().suspect)+1)
}

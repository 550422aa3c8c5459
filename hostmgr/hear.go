package hostmgr

import "time"

// Heartbeat is a sign of life that carries nothing else. It takes no lock (but the
// first one of a host that was suspect, or that is told of a longer interval; and with a Shadow,
// a Recorder or a policy that learns, one that is late) and allocates nothing. ErrUnknownHost
// asks the host to announce itself again; ErrStale tells a former incarnation that it is
// one. Incarnation 0 means the life that is there.
//
// While there are more than 100,000 a second under Run, on the system's clock, without those
// three, it does not read the clock either, and counts as a little later than it was: by
// 50 ms, or by as much as Run is late.
func (r *Registry[M]) Heartbeat(id string, incarnation uint64) (Lease, error) {
	stamp := r.stamp() // before all else: a clock waits for memory that was asked for before
	h := r.table.hash(id)
	r.lender.count(h, stamp)
	if r.attentive {
		return r.hearAndAdvise(h, id, incarnation, stamp)
	}
	// What follows is all that nearly every heartbeat does, and in one piece: so short that the
	// processor begins with the next one while it waits for the memory of this one. Anything
	// unusual goes the long way, which begins anew. Both must find the same of two lives with one
	// id, the older one until that is over: so only behind a life that is over the search goes on.
	p := r.table.page(h)
	for i := p.slot(h); i < len(p.keys); i++ {
		k := &p.keys[i]
		found := k.load()
		if found == h && k.isMeant(incarnation) && p.words[i].plainBeat(stamp) {
			if r.metronome == nil {
				return k.lease(), nil
			}
			return r.advise(h, id, k.lease(), stamp), nil
		}
		if found == 0 || found == h && p.words[i].there() {
			break
		}
	}
	return r.hearAndAdvise(h, id, incarnation, stamp)
}

// hearAndAdvise is the long way of a heartbeat.
func (r *Registry[M]) hearAndAdvise(h hash, id string, incarnation uint64, stamp int64) (Lease, error) {
	lease, err := r.hear(h, id, incarnation, stamp)
	if err == nil && r.metronome != nil {
		lease = r.advise(h, id, lease, stamp)
	}
	return lease, err
}

// advise has the lease of a heartbeat tell the interval that is advised. If that is longer
// than what the host is judged by it is judged by it from now on, before it is told. (An
// Announce that comes at the same time may make that shorter again; which of the two answers
// the host heeds, it then chooses.)
func (r *Registry[M]) advise(h hash, id string, lease Lease, stamp int64) Lease {
	had, most := lease.Interval, r.metronome.interval(stamp)
	if had < most {
		t := r.judge.terms(r.metronome.judged(had, most))
		now := r.lock()
		defer r.unlock()
		l, ok := r.table.exactly(h, id)
		if !ok || l.key().number != lease.Life {
			return lease // of a life that is over
		}
		if l.key().interval() < t.interval {
			r.judgeBy(l, t, now)
		}
	}
	return r.metronome.tell(lease, had, most, stamp)
}

// Observe is a sign of life that someone else heard, age ago: it counts as if
// it had been heard here then, and an older one than is known changes nothing.
// A negative age counts as zero. The errors are those of Heartbeat.
func (r *Registry[M]) Observe(id string, incarnation uint64, age time.Duration) error {
	now := r.time.now()
	h, heard := r.table.hash(id), now-min(now, max(0, int64(age)))
	_, err := r.hear(h, id, incarnation, heard)
	if err == nil && r.judge.learns && heard < now {
		r.lookAgain(h, id, heard)
	}
	return err
}

// lookAgain sees to it that a host is looked at in time that was heard some time ago, and whose
// patience may have changed: the look that did not know of it counted on nothing like that.
func (r *Registry[M]) lookAgain(h hash, id string, heard int64) {
	now := r.lock()
	defer r.unlock()
	if l, ok := r.table.exactly(h, id); ok {
		r.reconsider(l, now) // it may be given more time, too
		r.expect(l, heard+l.terms().soonest(false)+1)
	}
}

// hear notes that a host was heard. If its life ends meanwhile it looks again: the host
// may have another one by now.
func (r *Registry[M]) hear(h hash, id string, incarnation uint64, heard int64) (Lease, error) {
	for {
		l, ok := r.table.find(h)
		if !ok {
			return Lease{}, ErrUnknownHost
		}
		if l.key().isTwin() {
			return r.hearTwin(h, id, incarnation, heard)
		}
		if err := l.fence(incarnation); err != nil {
			return Lease{}, err
		}
		lease := l.lease()
		if was, there := l.word().beat(heard); there {
			r.heard(l, id, was, heard)
			return lease, nil
		}
	}
}

// heard does what there is to do about a sign of life besides. Most take no lock for it: only
// that of a suspect, and where somebody wants to know, one that comes late.
func (r *Registry[M]) heard(l life[M], id string, was, heard int64) {
	gap := heard - seenIn(was)
	switch late := r.attentive && r.notes(l, gap); {
	case late || was&suspectBit != 0:
		r.attend(l.key(), id, was, heard)
	case r.judge.learns && gap > 0 && !l.learn(gap):
		r.attend(l.key(), id, was, heard) // it has moved
	}
	if r.judge.learns {
		r.adapt(l, id)
	}
}

// notes is terms.notes for someone who holds no lock: it may ask the policy.
func (r *Registry[M]) notes(l life[M], gap int64) bool {
	t := *r.judge.terms(l.key().interval())
	if r.judge.learns {
		rhythm := l.rhythm()
		t = rhythm.over(t)
	}
	return t.notes(gap)
}

// attend is the one heartbeat in many that needs the lock.
func (r *Registry[M]) attend(k *key, id string, was, heard int64) {
	now := r.lock()
	defer r.unlock()
	if l, ok := r.table.exactly(k.hash, id); ok && l.key().number == k.number {
		r.noteGap(l, was, heard, now)
		r.reconsider(l, now)
	}
}

// heardNow is a sign of life by someone who holds the lock.
func (r *Registry[M]) heardNow(l life[M], heard, now int64) {
	if was, _ := l.word().beat(heard); r.attentive {
		r.noteGap(l, was, heard, now)
	}
	r.reconsider(l, now)
}

// noteGap takes into account how long a host was silent before a sign of life. The word has
// that already, the patience is that of before.
func (r *Registry[M]) noteGap(l life[M], was, heard, now int64) {
	seen := seenIn(was)
	if heard <= seen {
		return
	}
	if t := l.patience(); t.notes(heard - seen) {
		if r.cfg.Shadow != nil {
			r.shadowHeard(l, seen, heard)
		}
		r.recordSilence(Recovered, l, seen, heard)
	}
	if r.judge.learns {
		l.learn(heard - seen - r.ledger.between(seen, heard, now))
	}
}

// adapt asks policies that learn for the timeouts of a host. It must be called without any lock.
// Until they have answered the timeouts of before count, which are as good: they run from a contact
// whose call has not returned yet.
func (r *Registry[M]) adapt(l life[M], id string) {
	l, ok := r.current(l, id)
	if !ok {
		return
	}
	was, interval := l.page.rhythms.list[l.slot], l.key().interval()
	l.page.rhythms.mu.Unlock()
	if was.beats == 0 {
		return
	}
	p := was.pulse(interval, was.beats)
	t := r.judge.learn(p)
	if l, ok = r.current(l, id); ok {
		if l.word().there() { // else the evidence stands
			l.page.rhythms.list[l.slot].answer(t, p, was)
		}
		l.page.rhythms.mu.Unlock()
	}
}

// current finds where a life is by now, and locks the rhythms there; ok is false if it is over. It
// must be called without any lock.
func (r *Registry[M]) current(l life[M], id string) (now life[M], ok bool) {
	if l.page.rhythms.lock() {
		return l, true
	}
	r.mu.RLock() // which waits until the rebuild is done, and keeps off the next one
	defer r.mu.RUnlock()
	now, ok = r.table.exactly(l.key().hash, id)
	return now, ok && now.key().number == l.key().number && now.page.rhythms.lock()
}

// hearTwin is hear for those few whom their hash alone does not tell apart.
func (r *Registry[M]) hearTwin(h hash, id string, incarnation uint64, heard int64) (Lease, error) {
	l, lease, err := r.hearExactly(h, id, incarnation, heard)
	if err == nil && r.judge.learns {
		r.adapt(l, id)
	}
	return lease, err
}

func (r *Registry[M]) hearExactly(h hash, id string, incarnation uint64, heard int64) (life[M], Lease, error) {
	now := r.lock()
	defer r.unlock()
	l, ok := r.table.exactly(h, id)
	if !ok {
		return l, Lease{}, ErrUnknownHost
	}
	if err := l.fence(incarnation); err != nil {
		return l, Lease{}, err
	}
	r.heardNow(l, heard, now)
	return l, l.lease(), nil
}

// reconsider tells watchers of a suspect that was heard again. One that was
// heard, but too long ago, keeps its bit, or gets it back, so that the next beat asks again; if
// that beat comes right now, and finds no bit, the swap fails and we look again.
func (r *Registry[M]) reconsider(l life[M], now int64) {
	for l.mark().suspect {
		v := r.verdict(l, now)
		if v.state == Suspect || v.state == Offline {
			if !l.word().suspect(v.word) {
				continue
			}
			if v.state == Suspect {
				r.release(l)
			}
			return
		}
		if !l.word().trust(v.word) { // it has the bit if it was not heard, but is given more time
			continue
		}
		l.mark().suspect = false
		r.zones.suspect(l.mark().zone, -1)
		r.release(l)
		r.counts.Recovered++
		r.emit(Recovered, l, now)
		r.expect(l, v.next(false))
	}
}

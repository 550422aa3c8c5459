package hostmgr

import (
	"context"
	"time"
)

// Leave ends the life of a host at its own wish. It returns nil when the host
// is gone and clean, an error that wraps ErrCleanupPending when it is gone but
// its cleanup failed, was not reached before ctx ended, or has to wait for that
// of an earlier life; ErrUnknownHost or ErrStale when there was nothing to end.
func (r *Registry[M]) Leave(ctx context.Context, id string, incarnation uint64) error {
	j, err := r.end(id, incarnation, Left)
	if j == nil || err != nil {
		return err
	}
	if !r.running.Load() {
		defer r.log.Flush() // what the cleanup here may have logged
	}
	return r.clean.await(ctx, j)
}

// Forget removes a host without cleanup: someone else does it. The errors are
// those of Heartbeat.
func (r *Registry[M]) Forget(id string, incarnation uint64) error {
	_, err := r.end(id, incarnation, Forgotten)
	return err
}

func (r *Registry[M]) end(id string, incarnation uint64, k Kind) (*job[M], error) {
	h := r.table.hash(id)
	now := r.lock()
	defer r.unlock()
	l, ok := r.table.exactly(h, id)
	if !ok {
		return nil, ErrUnknownHost
	}
	if err := l.fence(incarnation); err != nil {
		return nil, err
	}
	j := r.depart(l, k, now)
	r.table.tidy(l.page)
	return j, nil
}

// depart does what every departure does, once: it ends the life's word, if a sweep has
// not just done so. Whoever calls it holds mu, and tidies the page after. It returns the
// cleanup to be done, or nil.
func (r *Registry[M]) depart(l life[M], k Kind, now int64) *job[M] {
	was := *l.mark()          // before what is atomic, as what follows: that would wait for it
	if r.threshold.counts() { // else the terms need not be fetched
		r.tolerates(l.terms(), -1, now)
	}
	if k == Evicted {
		r.miss(l, now)
	} else {
		l.word().end()
	}
	var j *job[M]
	if r.cfg.Cleanup != nil && k != Forgotten {
		j = r.queue(l, k, now)
	}
	if r.cfg.Shadow != nil {
		r.shadowDeparted(l, k, now)
	}
	r.recordSilence(k, l, seenIn(l.word().load()), now)
	r.emit(k, l, now)
	r.release(l)
	if was.suspect {
		r.zones.suspect(was.zone, -1)
	}
	if k != Replaced { // the new life takes its place
		r.zones.leave(was.zone)
		r.metronome.keep(r.zones.all.hosts, now)
	}
	l.page.drop(l)
	r.counts.departed(k)
	return j
}

// evicted does what is left to do when a sweep has ended a life that it judged so.
func (r *Registry[M]) evicted(l life[M], v *verdict, now int64) {
	r.figures.detection.Record(time.Duration(now - v.seen))
	r.evictees.add(l.key().hash, now)
	r.depart(l, Evicted, now)
}

// queue queues the cleanup, with all that is known of the departure.
func (r *Registry[M]) queue(l life[M], k Kind, now int64) *job[M] {
	d := Departure[M]{Kind: k, At: r.time.wall(now), Attempt: 1}
	r.show(&d.Host, l, now)
	var due int64
	d.Evidence, due = r.evidence(l, now)
	if k != Evicted {
		due = now
	}
	r.work = true
	return r.clean.add(d, due, now)
}

// evidence gathers it, and when the host was due. The word still tells when it was last
// heard, though the life is over.
func (r *Registry[M]) evidence(l life[M], now int64) (e Evidence, due int64) {
	var v verdict
	t, p := l.learned()
	r.judgeAs(&v, l, &t, now)
	e = Evidence{
		Silence: time.Duration(v.silence), Excused: time.Duration(v.excused),
		Interval: t.interval, Patience: t.evict,
	}
	if t.learns {
		e.Mean, e.Deviation, e.Beats = p.Mean, p.Deviation, p.Beats
	}
	if h, ok := l.held(); ok && now > h.since && v.state == Offline {
		e.HeldBy, e.HeldFor = h.by(), time.Duration(min(r.ledger.listened(h.since, now), now-v.evictAt))
	}
	return e, v.evictAt
}

package cluster

import "time"

// jitter stops a peer for so long that it misses a beat, but for less than the
// policy's patience: it must survive, in the life that it was in.
//
// The patience counts from the last beat, not from the stop. So the peer is
// stopped right after a beat, for its interval and 0.4 of what patience leaves
// beyond: long enough to be overdue, and with 0.6 of it left for the peer to
// wake and beat again on a busy machine.
func (t *trial) jitter(f *findings) result {
	p := t.peers[0]
	judge := t.witness(f, func(string) bool { return false })
	spare := t.cfg.patience(t.cfg.Interval) - t.cfg.Interval
	outage := t.cfg.Interval + spare*2/5
	last, ok := t.nextAnnounce(p, time.Now(), 2*t.cfg.Interval)
	if t.over() {
		return result{}
	}
	f.check(ok, "%s does not announce", p.id)
	p.signal(sigStop)
	t.timeline.event("SIGSTOP", p.id, "for %s, patience is %s", short(outage), short(t.cfg.patience(t.cfg.Interval)))
	t.timeline.wait("for the outage of %s to end", p.id)
	lost := t.watchListed(p.id, outage)
	if t.over() {
		return result{}
	}
	resumed := time.Now() // before the signal: a beat may follow it at once
	p.signal(sigCont)
	t.timeline.event("SIGCONT", p.id, "")
	again, ok := t.nextAnnounce(p, resumed, t.cfg.patience(t.cfg.Interval))
	if t.over() {
		return result{}
	}
	f.check(ok, "%s does not announce any more", p.id)
	f.check(!lost, "%s was not listed for a while", p.id)
	f.check(ok && again.Lease == last.Lease, "%s is in life %s, was in %s", p.id, again.Lease, last.Lease)
	silence := again.Time.Sub(last.Time)
	f.check(silence > t.cfg.Interval, "%s was not overdue: this proves nothing", p.id)
	judge()
	return result{Detail: f.detail("%s survived %s of silence, in the life that it was in", p.id, short(silence))}
}

// nextAnnounce waits for an announce of p after a moment.
func (t *trial) nextAnnounce(p *proc, after time.Time, limit time.Duration) (l line, ok bool) {
	_ = t.until(limit+t.cfg.Lag, func() bool {
		l = t.journal.lastAnnounce(p.id)
		ok = l.Time.After(after)
		return ok
	})
	return l, ok
}

// watchListed watches for so long whether the host is ever not listed.
func (t *trial) watchListed(host string, d time.Duration) (lost bool) {
	_ = t.until(d, func() bool {
		listed := t.api.list(t.ctx)
		lost = lost || listed != nil && !listed[host]
		return false
	})
	return lost
}

// schedulerFrozen stops the scheduler itself, for longer than anyone's patience.
// It hears nobody, and must not take that for their death. A peer that is killed
// afterwards must be found out as ever.
func (t *trial) schedulerFrozen(f *findings) result {
	p := t.take()
	judge := t.witness(f, only(p.id))
	before := t.status()
	if t.over() {
		return result{}
	}
	outage := t.cfg.patience(t.cfg.Interval) + t.cfg.Interval/2
	t.scheduler.signal(sigStop)
	t.timeline.event("SIGSTOP", "scheduler", "for %s, patience is %s", short(outage), short(t.cfg.patience(t.cfg.Interval)))
	t.timeline.wait("for the scheduler's freeze to end")
	t.pause(outage)
	if t.over() {
		return result{}
	}
	resumed := time.Now() // before the signal: a beat may follow it at once
	t.scheduler.signal(sigCont)
	t.timeline.event("SIGCONT", "scheduler", "")
	t.allHeardAgain(f, resumed, append([]*proc{p}, t.peers...))
	after := t.status()
	if t.over() {
		return result{}
	}
	excused := after.Excused - before.Excused
	f.check(after.Stalls > before.Stalls && excused >= outage-time.Second/2, "a freeze of %s, but only %s excused", short(outage), short(excused))
	f.check(len(t.journal.of(p.id)) == 0, "%s departed, but was alive", p.id)
	t.timeline.event("excused", "scheduler", "%s of silence, %d hosts there", short(excused), after.Hosts)
	d := t.killAndObserve(f, p, true)
	if t.over() {
		return result{}
	}
	judge()
	return result{
		Detect: sinceMS(d.At, d.LastSeen), Lag: sinceMS(d.Cleaned, d.Deadline),
		Detail: f.detail("nobody evicted, %s excused; %s, killed afterwards, evicted %s after its deadline", short(excused), p.id, short(d.At.Sub(d.Deadline))),
	}
}

func (t *trial) allHeardAgain(f *findings, resumed time.Time, peers []*proc) {
	for _, p := range peers {
		_, ok := t.nextAnnounce(p, resumed, 2*t.cfg.Interval)
		f.check(ok, "%s does not announce any more", p.id)
	}
}

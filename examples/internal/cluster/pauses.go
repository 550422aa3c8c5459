package cluster

import "time"

// jitter stops a peer for so long that it misses an announce, but for less than the policy's timeout: it
// must keep its registration.
//
// The timeout counts from the last announce, not from the stop. So the peer is stopped right after an
// announce, for interval + 0.4 x (timeout - interval): long enough to be overdue, and the rest is left for
// the peer to wake and announce itself on a busy machine.
func (t *trial) jitter(f *findings) result {
	p := t.peers[0]
	judge := t.witness(f, func(string) bool { return false })
	spare := t.cfg.timeout(t.cfg.Interval) - t.cfg.Interval
	outage := t.cfg.Interval + spare*2/5
	last, ok := t.nextAnnounce(p, time.Now(), 2*t.cfg.Interval)
	if t.over() {
		return result{}
	}
	f.check(ok, "%s does not announce", p.id)
	p.signal(sigStop)
	t.timeline.event("SIGSTOP", p.id, "for %s, timeout is %s", short(outage), short(t.cfg.timeout(t.cfg.Interval)))
	t.timeline.wait("for the outage of %s to end", p.id)
	lost := t.watchListed(p.id, outage)
	if t.over() {
		return result{}
	}
	resumed := time.Now() // before the signal: an announce may follow it at once
	p.signal(sigCont)
	t.timeline.event("SIGCONT", p.id, "")
	again, ok := t.nextAnnounce(p, resumed, t.cfg.timeout(t.cfg.Interval))
	if t.over() {
		return result{}
	}
	f.check(ok, "%s does not announce any more", p.id)
	f.check(!lost, "%s was not listed for a while", p.id)
	f.check(ok && again.Registration == last.Registration, "%s is in registration %s, was in %s", p.id, again.Registration, last.Registration)
	silence := again.Time.Sub(last.Time)
	f.check(silence > t.cfg.Interval, "%s was not overdue: this proves nothing", p.id)
	judge()
	return result{Detail: f.detail("%s survived %s of silence, and kept its registration", p.id, short(silence))}
}

// nextAnnounce waits for an announce of p after a moment.
func (t *trial) nextAnnounce(p *proc, after time.Time, limit time.Duration) (l line, ok bool) {
	_ = t.until(limit+t.cfg.Lag, func() bool {
		l = t.log.lastAnnounce(p.id)
		ok = l.Time.After(after)
		return ok
	})
	return l, ok
}

// watchListed tells whether the host is missing from a list during d.
func (t *trial) watchListed(host string, d time.Duration) (lost bool) {
	_ = t.until(d, func() bool {
		listed := t.list()
		lost = lost || listed != nil && !listed[host]
		return false
	})
	return lost
}

// schedulerFrozen stops the scheduler itself, for longer than any host's timeout. It must not evict hosts
// because of that. A peer that is killed afterwards must be evicted as usual.
func (t *trial) schedulerFrozen(f *findings) result {
	p := t.take()
	judge := t.witness(f, only(p.id))
	before := t.status()
	if t.over() {
		return result{}
	}
	outage := t.cfg.timeout(t.cfg.Interval) + t.cfg.Interval/2
	t.signalAll(sigStop)
	t.timeline.event("SIGSTOP", "scheduler", "for %s, timeout is %s", short(outage), short(t.cfg.timeout(t.cfg.Interval)))
	t.timeline.wait("for the scheduler's freeze to end")
	t.pause(outage)
	if t.over() {
		return result{}
	}
	resumed := time.Now() // before the signal: an announce may follow it at once
	t.signalAll(sigCont)
	t.timeline.event("SIGCONT", "scheduler", "")
	t.allHeardAgain(f, resumed, append([]*proc{p}, t.peers...))
	after := t.status()
	if t.over() {
		return result{}
	}
	stallTime := after.StallTime - before.StallTime
	f.check(after.Stalls > before.Stalls && stallTime >= outage-time.Second/2, "a freeze of %s, but a stall time of only %s", short(outage), short(stallTime))
	f.check(len(t.log.of(p.id)) == 0, "%s departed, but was alive", p.id)
	t.timeline.event("stalled", "scheduler", "for %s; %d hosts registered", short(stallTime), after.Hosts)
	t.calm()
	d := t.killAndObserve(f, p, true)
	if t.over() {
		return result{}
	}
	judge()
	return result{
		Detect: sinceMS(d.At, d.LastContact), Lag: sinceMS(d.Cleaned, d.Deadline),
		Detail: f.detail("no host evicted in a stall of %s; %s, killed afterwards, evicted %s after its deadline", short(stallTime), p.id, short(d.At.Sub(d.Deadline))),
	}
}

func (t *trial) allHeardAgain(f *findings, resumed time.Time, peers []*proc) {
	for _, p := range peers {
		_, ok := t.nextAnnounce(p, resumed, 2*t.cfg.Interval)
		f.check(ok, "%s does not announce any more", p.id)
	}
}

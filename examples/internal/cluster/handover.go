package cluster

import (
	"fmt"
	"time"
)

const (
	handed   = 6 // hosts of a scheduler scenario
	roamers  = 6
	roamFor  = 8 // intervals
	lastWait = 2 * time.Second

	calmPeriod = 200 * time.Millisecond // between two questions for the status
)

// schedulerKilled kills a scheduler that has hosts. They go to the others, and none is evicted: also
// not when the others have buried the scheduler and judge its hosts. Then it is started again.
func (t *trial) schedulerKilled(f *findings) result {
	return t.loseScheduler(f, func(s *scheduler) { t.kill(s) }, t.restart)
}

// schedulerStopped stops a scheduler for longer than any timeout. Its hosts go to the others. When
// it continues, it has been buried, and must not evict the hosts that it has not heard.
func (t *trial) schedulerStopped(f *findings) result {
	return t.loseScheduler(f, func(s *scheduler) {
		s.away.Store(true)
		t.timeline.event("SIGSTOP", s.name, "for %s", short(t.lossTime()))
		s.proc.signal(sigStop)
	}, func(s *scheduler) error {
		t.timeline.event("SIGCONT", s.name, "")
		s.proc.signal(sigCont)
		err := t.becomesReady(s)
		s.away.Store(false)
		return err
	})
}

// lossTime is the time until the hosts of a lost scheduler would be evicted if no other one heard
// them: until it is buried, and a timeout after that.
func (t *trial) lossTime() time.Duration { return lapse + t.cfg.timeout(t.cfg.Interval) + lastWait }

func (t *trial) loseScheduler(f *findings, lose func(*scheduler), back func(*scheduler) error) result {
	ps := t.recruit(f, "moved", make([]string, handed))
	if t.over() || !f.ok() {
		return result{Detail: f.detail("")}
	}
	judge := t.witness(f, only(""))
	s, own := t.busiest(ps)
	begun := time.Now()
	lose(s)
	slowest := t.handedOver(f, s, own, begun)
	t.timeline.event("handed over", s.name, "%d of %d hosts were there, and are with others within %s", len(own), len(ps), short(slowest))
	t.timeline.wait("for the time in which a host of %s might be evicted", s.name)
	t.pause(t.lossTime() - time.Since(begun))
	if t.over() {
		return result{}
	}
	judge()
	err := back(s)
	f.check(err == nil, "%v", err)
	t.calm()
	if t.over() {
		return result{}
	}
	judge()
	t.dismiss(f, ps)
	return result{Detail: f.detail("%d of %d hosts handed over within %s of the loss of %s; no host evicted, all in their registrations; it is back and lists all",
		len(own), len(ps), short(slowest), s.name)}
}

// busiest returns the scheduler with most of the hosts, and those hosts.
func (t *trial) busiest(ps []*proc) (s *scheduler, own []*proc) {
	for _, candidate := range t.schedulers {
		var there []*proc
		for _, p := range ps {
			if t.at(t.log.lastAnnounce(p.id).Scheduler) == candidate {
				there = append(there, p)
			}
		}
		if len(there) > len(own) {
			s, own = candidate, there
		}
	}
	return s, own
}

// handedOver waits until another scheduler has accepted each host, and has its peers. It returns the
// longest time that a host needed.
func (t *trial) handedOver(f *findings, from *scheduler, own []*proc, begun time.Time) (slowest time.Duration) {
	f.check(len(own) > 0, "no host was at a scheduler: this proves nothing")
	for _, p := range own {
		err := t.until(2*t.cfg.Interval+t.cfg.Lag, func() bool {
			a := t.log.lastAnnounce(p.id)
			slowest = max(slowest, a.Time.Sub(begun))
			return a.Time.After(begun) && t.at(a.Scheduler) != from
		})
		f.check(err == nil, "%s is not with another scheduler", p.id)
		err = t.until(t.cfg.Interval, func() bool { return t.registered(p.id, replicas) })
		f.check(err == nil, "the peers of %s are not with another scheduler", p.id)
	}
	return slowest
}

// calm waits until the schedulers evict hosts in time again: after a loss they ask no question for a
// lapse, and judge the hosts of a lost scheduler as if it had heard them until its end.
func (t *trial) calm() {
	if !t.isShared() {
		return
	}
	t.timeline.wait("until evictions are in time again")
	timeout := t.cfg.timeout(max(t.cfg.Interval, t.cfg.MassInterval))
	_ = t.until(2*lapse+timeout, func() bool {
		for _, s := range t.live() {
			if l := t.statusOf(s); !l.Ready || l.Quiet > 0 || l.SinceEnd > 0 && l.SinceEnd < timeout {
				t.pause(calmPeriod)
				return false
			}
		}
		return true
	})
}

// roaming has hosts announce themselves to a random scheduler each time. None is evicted. One that
// is killed is evicted once, in time, and all schedulers see it.
func (t *trial) roaming(f *findings) result {
	ps := t.recruitRoamers(f)
	if t.over() || !f.ok() {
		return result{Detail: f.detail("")}
	}
	victim := ps[0]
	judge := t.witness(f, only(victim.id))
	from := t.log.departedSoFar()
	t.timeline.wait("while %d hosts roam", len(ps))
	t.pause(roamFor * t.cfg.Interval)
	f.check(t.log.departedSoFar() == from, "%d hosts departed while they roamed", t.log.departedSoFar()-from)
	met := t.met(ps)
	f.check(met > 1, "the hosts did not roam: this proves nothing")
	d := t.killAndObserve(f, victim, false)
	if t.over() {
		return result{}
	}
	judge()
	t.dismiss(f, ps[1:])
	return result{
		Detect: sinceMS(d.At, d.LastContact), Lag: sinceMS(d.Cleaned, d.Deadline),
		Detail: f.detail("%d hosts roamed among %d schedulers for %d intervals, none evicted; %s, killed afterwards, evicted %s after its deadline, seen by %d",
			len(ps), met, roamFor, victim.id, short(d.At.Sub(d.Deadline)), d.schedulers()),
	}
}

func (t *trial) recruitRoamers(f *findings) (ps []*proc) {
	for i := range roamers {
		p, err := t.startPeer(fmt.Sprintf("roamer-%d", i+1), t.cfg.Interval, "-peers", fmt.Sprint(replicas), "-v", "-roam")
		f.check(err == nil, "%v", err)
		if err == nil {
			ps = append(ps, p)
		}
	}
	err := t.joined(ps)
	f.check(err == nil, "%v", err)
	return ps
}

// met returns how many schedulers have accepted announces of the hosts.
func (t *trial) met(ps []*proc) int {
	schedulers := map[string]bool{}
	for _, p := range ps {
		for _, a := range t.log.announces(p.id) {
			schedulers[a.Scheduler] = true
		}
	}
	return len(schedulers)
}

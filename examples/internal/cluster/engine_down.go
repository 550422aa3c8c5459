package cluster

import (
	"os"
	"time"
)

// engineDown stops the engine for longer than any timeout, and then kills it and starts it empty.
// Meanwhile no scheduler accepts announces, and none evicts a host. Afterwards all hosts are there
// in their registrations. A host that died meanwhile is evicted then, once.
func (t *trial) engineDown(f *findings) result {
	ps := t.recruit(f, "kept", make([]string, handed))
	if t.over() || !f.ok() {
		return result{Detail: f.detail("")}
	}
	victim := ps[0]
	judge := t.witness(f, only(victim.id))
	stopped := t.stopEngine(f, victim)
	d := t.evictedLate(f, victim, stopped)
	err := t.wipeEngine()
	f.check(err == nil, "%v", err)
	empty := t.heardAgain(f, ps[1:])
	t.calm()
	if t.over() {
		return result{}
	}
	judge()
	t.dismiss(f, ps[1:])
	return result{Detect: sinceMS(d.At, d.LastContact), Detail: f.detail(
		"stopped for %s: no host evicted, all accepted again; %s, which had died meanwhile, evicted %s later; restarted empty: all accepted again within %s, in their registrations",
		short(t.outage()), victim.id, short(d.At.Sub(stopped)), short(empty))}
}

// outage is longer than a timeout and than a lapse.
func (t *trial) outage() time.Duration {
	return max(2*t.cfg.timeout(t.cfg.Interval), lapse+time.Second)
}

// stopEngine stops the engine, and returns when it has continued and all hosts are accepted again.
// The victim dies meanwhile.
func (t *trial) stopEngine(f *findings, victim *proc) (resumed time.Time) {
	from := t.log.departedSoFar()
	t.timeline.event("SIGSTOP", "engine", "for %s, timeout is %s", short(t.outage()), short(t.cfg.timeout(t.cfg.Interval)))
	t.engine.proc.signal(sigStop)
	t.pause(time.Second)
	t.timeline.event("SIGKILL", victim.id, "it cannot leave")
	victim.signal(os.Kill)
	t.timeline.wait("for the outage of the engine to end")
	t.pause(t.outage() - time.Second)
	f.check(t.log.departedSoFar() == from, "%d hosts departed while the engine was down", t.log.departedSoFar()-from)
	resumed = time.Now()
	t.engine.proc.signal(sigCont)
	t.timeline.event("SIGCONT", "engine", "")
	return resumed
}

// evictedLate waits until a host that died during the outage is evicted, by all schedulers.
func (t *trial) evictedLate(f *findings, victim *proc, resumed time.Time) (d line) {
	t.timeline.wait("for %s to be evicted", victim.id)
	limit := 2*lapse + 2*t.cfg.timeout(t.cfg.Interval) + 5*time.Second
	_ = t.until(limit, func() bool {
		ds := t.log.of(victim.id)
		return len(ds) > 0 && t.hasSeen(ds[0])
	})
	ds := t.log.of(victim.id)
	f.check(len(ds) == 1, "%s departed %d times", victim.id, len(ds))
	if len(ds) > 0 {
		d = ds[0]
		f.check(d.Kind == "evicted" && d.At.After(resumed.Add(-slop)), "%s %s at %s", victim.id, d.Kind, d.At)
	}
	return d
}

// wipeEngine kills the engine, and starts it empty.
func (t *trial) wipeEngine() error {
	e := t.engine
	e.away.Store(true)
	t.timeline.event("SIGKILL", "engine", "it loses all that it has")
	e.proc.signal(os.Kill)
	<-e.proc.done
	err := t.startEngine()
	e.away.Store(false)
	return err
}

// heardAgain waits until all hosts are accepted again, and returns how long that took.
func (t *trial) heardAgain(f *findings, ps []*proc) time.Duration {
	begun := time.Now()
	for _, p := range ps {
		_, ok := t.nextAnnounce(p, begun, lapse+4*t.cfg.Interval)
		f.check(ok, "%s is not accepted any more", p.id)
	}
	return time.Since(begun)
}

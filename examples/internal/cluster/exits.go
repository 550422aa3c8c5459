package cluster

import (
	"os"
	"syscall"
	"time"
)

// normalExit makes a peer leave. The leave frees it at once, without a silence.
func (t *trial) normalExit(f *findings) result {
	p := t.take()
	judge := t.witness(f, only(p.id))
	t.timeline.event("SIGTERM", p.id, "it must leave")
	at := time.Now()
	p.signal(syscall.SIGTERM)
	e := t.observe(p.id, at, t.cfg.timeout(t.cfg.Interval)+2*t.cfg.Lag)
	if t.over() {
		return result{}
	}
	d := f.left(e, t.cfg.Lag, replicas)
	f.check(t.until(5*time.Second, func() bool { return closed(p.done) }) == nil && p.exitedWell(), "%s did not exit with 0", p.id)
	judge()
	return result{
		Detect: sinceMS(e.gone, at), Lag: sinceMS(d.Cleaned, d.At),
		Detail: f.detail("%s left, gone %s after SIGTERM, %d peers freed", p.id, short(e.gone.Sub(at)), d.Freed),
	}
}

// abnormalExit kills a peer. The scheduler detects it by its silence.
func (t *trial) abnormalExit(f *findings) result {
	p := t.take()
	judge := t.witness(f, only(p.id))
	d := t.killAndObserve(f, p, false)
	if t.over() {
		return result{}
	}
	judge()
	return result{
		Detect: sinceMS(d.At, d.LastContact), Lag: sinceMS(d.Cleaned, d.Deadline),
		Detail: f.detail("%s evicted, not before its deadline and cleaned up %s after it, once", p.id, short(d.Cleaned.Sub(d.Deadline))),
	}
}

// killAndObserve kills a peer and checks its eviction.
func (t *trial) killAndObserve(f *findings, p *proc, stalled bool) line {
	stalls := t.status().Stalls
	if t.over() {
		return line{}
	}
	t.timeline.event("SIGKILL", p.id, "it cannot leave")
	at := time.Now()
	p.signal(os.Kill)
	// After a stall a host has one interval and a gap of 500 ms more.
	limit := t.cfg.timeout(t.cfg.Interval) + t.cfg.Interval + time.Second + 2*t.cfg.Lag
	e := t.observe(p.id, at, limit)
	if t.over() {
		return line{}
	}
	stalled = stalled || t.status().Stalls > stalls
	return f.evicted(e, t.terms(t.cfg.Interval, stalled), replicas)
}

func sinceMS(t, from time.Time) float64 {
	if t.IsZero() || from.IsZero() {
		return 0
	}
	return ms(t.Sub(from))
}

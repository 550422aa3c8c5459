package cluster

import "time"

// interruptions stops many peers at the same time, each for a different duration, in any phase between two
// announces. Whether a peer must survive follows from its last announce: its silence is the phase, the
// duration, and the time until its next announce.
func (t *trial) interruptions(f *findings) result {
	lengths := t.lengths()
	ps := t.recruit(f, "stop", make([]string, len(lengths)))
	if t.over() || !f.ok() {
		return result{Detail: f.detail("")}
	}
	return t.playOutages(f, ps, func(i int) *outage { return t.interruption(ps[i], lengths[i]) })
}

// lengths returns durations from half an interval to four, and one that no peer survives.
func (t *trial) lengths() (ds []time.Duration) {
	for _, halves := range []time.Duration{1, 2, 3, 4, 5, 6, 8} {
		ds = append(ds, halves*t.cfg.Interval/2)
	}
	return append(ds, t.certain())
}

func (t *trial) interruption(p *proc, length time.Duration) *outage {
	return &outage{
		name: "SIGSTOP", length: length, p: p,
		phase: t.cfg.Interval * 7 / 10, // well before the next announce, see sufferOne
		begin: func() error { return p.cmd.Process.Signal(sigStop) },
		end:   func() error { return p.cmd.Process.Signal(sigCont) },
	}
}

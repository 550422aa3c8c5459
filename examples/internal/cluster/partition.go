package cluster

import "time"

// partition cuts the network of running peers, with each fault, for less and for more than the policy's
// timeout.
func (t *trial) partition(f *findings) result {
	cables, addrs := t.layCables(f, 2*len(faults))
	defer func() {
		for _, c := range cables {
			c.proxy.Stop()
		}
	}()
	ps := t.recruit(f, "far", addrs)
	if t.over() || !f.ok() {
		return result{Detail: f.detail("")}
	}
	return t.playOutages(f, ps, func(i int) *outage {
		length := t.bearable()
		if i >= len(faults) {
			length = t.certain()
		}
		return t.loss(ps[i], cables[i], faults[i%len(faults)], length)
	})
}

func (t *trial) layCables(f *findings, n int) (cables []*cable, addrs []string) {
	for range n {
		c, err := lay(t.log.address(t.schedulers[0].source))
		f.check(err == nil, "%v", err)
		cables, addrs = append(cables, c), append(addrs, c.address())
	}
	return cables, addrs
}

// bearable is the length of an outage that makes a peer overdue and that it
// survives, if it begins right after a heartbeat.
func (t *trial) bearable() time.Duration {
	return t.cfg.Interval + (t.cfg.timeout(t.cfg.Interval)-t.cfg.Interval)/5
}

func (t *trial) loss(p *proc, c *cable, how fault, length time.Duration) *outage {
	return &outage{
		name: how.name, length: length, p: p,
		phase: t.cfg.Interval / 10,
		begin: func() error { return c.lose(how) },
		end:   func() error { return c.restore(how) },
	}
}

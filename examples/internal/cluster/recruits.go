package cluster

import (
	"fmt"
	"syscall"
	"time"
)

// recruit starts peers for one scenario, and waits until all have joined. Without an address of its own a
// peer dials the scheduler.
func (t *trial) recruit(f *findings, prefix string, addrs []string) (ps []*proc) {
	for i, addr := range addrs {
		if addr == "" {
			addr = t.addresses()
		}
		p, err := t.startPeer(fmt.Sprintf("%s-%d", prefix, i+1), t.cfg.Interval, "-peers", fmt.Sprint(replicas), "-v", "-scheduler", addr)
		f.check(err == nil, "%v", err)
		if err == nil {
			ps = append(ps, p)
		}
	}
	err := t.joined(ps)
	f.check(err == nil, "%v", err)
	return ps
}

// dismiss makes the recruits leave, so that the next scenario finds the cluster unchanged.
func (t *trial) dismiss(f *findings, ps []*proc) {
	for _, p := range ps {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range ps {
		f.check(t.until(5*time.Second, func() bool { return closed(p.done) }) == nil && p.exitedWell(), "%s did not exit with 0", p.id)
	}
}

func recruited(ps []*proc) (is func(host string) bool) {
	ids := map[string]bool{}
	for _, p := range ps {
		ids[p.id] = true
	}
	return func(host string) bool { return ids[host] }
}

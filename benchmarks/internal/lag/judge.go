package lag

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/report"
	"github.com/hostlife/hostlife/hostmgr"
)

// lags are times from a deadline to what was due then, sorted.
type lags []time.Duration

// percentile is the nearest rank.
func (l lags) percentile(p int) time.Duration {
	return l[max(0, (len(l)*p+99)/100-1)]
}

func (l lags) rows(peer string) (rows []report.Row) {
	if len(l) == 0 {
		return nil
	}
	for _, m := range []struct {
		name string
		p    int
	}{{"lag_p50", 50}, {"lag_p99", 99}, {"lag_max", 100}} {
		rows = append(rows, report.Row{Measure: m.name, Peer: peer, Value: micros(l.percentile(m.p)), Unit: "us"})
	}
	return rows
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// judge holds what departed against what died, and returns the lags by the
// harness's own record of the last heartbeats.
func (t *trial) judge() (lags, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.checkAll(); err != nil {
		return nil, err
	}
	var own, reported lags
	for _, d := range t.gone {
		deadline := d.Host.Metadata.lastHeartbeat.Add(t.timeout())
		if d.cleaned.Before(deadline) {
			return nil, fmt.Errorf("lag: %.8s was evicted %v before its deadline", d.Host.ID, deadline.Sub(d.cleaned))
		}
		own = append(own, d.cleaned.Sub(deadline))
		reported = append(reported, d.cleaned.Sub(d.Host.EvictAt))
	}
	slices.Sort(own)
	slices.Sort(reported)
	t.say("after the deadline by our own record: p50 %v, p99 %v, max %v; by the departures' evidence: %v, %v, %v",
		own.percentile(50), own.percentile(99), own.percentile(100),
		reported.percentile(50), reported.percentile(99), reported.percentile(100))
	if s := t.hosts.Stats(); s.Stalls > 0 {
		t.say("the machine stalled: %d times, %v in all, which do not count as silence; the lags include that", s.Stalls, s.StallTime)
	}
	return own, nil
}

// checkAll checks that exactly the hosts that died departed, and that they were evicted.
func (t *trial) checkAll() error {
	var errs []error
	seen := map[*mortal]bool{}
	for _, d := range t.gone {
		m := d.Host.Metadata
		if m == nil || seen[m] || d.Kind != hostmgr.DepartureEvicted {
			errs = append(errs, fmt.Errorf("lag: %.8s departed: dying %t, twice %t, %v after a silence of %v",
				d.Host.ID, m != nil, seen[m], d.Kind, d.Silence))
		}
		seen[m] = true
	}
	if len(t.gone) != len(t.mortals) {
		errs = append(errs, fmt.Errorf("lag: %d hosts departed, %d died", len(t.gone), len(t.mortals)))
	}
	if n := t.hosts.Len(); n != len(t.crowd) {
		errs = append(errs, fmt.Errorf("lag: %d hosts are there, %d live", n, len(t.crowd)))
	}
	return errors.Join(errs...)
}

package sim

import (
	"context"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/hostmgr"
)

// A run plays some of a trace's nodes, with a registry that is driven by hand.
type run struct {
	cfg      *Config
	first    int32 // number of the first of the nodes in the trace
	nodes    []outage.Node
	hosts    []host
	agenda   *agenda
	net      network
	clock    *moved
	registry *hostmgr.Registry[int32]
	skips    bool
	wary     bool  // a heartbeat may end a suspicion, which changes the time of the next sweep
	stirred  bool  // that time may be another
	sweepAt  int64 // 0: there is none
	told     int64 // of the progress
	figures  Figures
}

// newRun begins at the trace's start.
func newRun(t *outage.Trace, c *Config, first, past int) (*run, error) {
	r := &run{cfg: c, first: int32(first), nodes: t.Nodes[first:past], hosts: make([]host, past-first), net: newNetwork(c),
		agenda: newAgenda(past-first, int64(max(c.Interval, c.Pacing.Max))), clock: &moved{start: t.Start}}
	r.skips, r.wary = c.passes(), !c.calm()
	for i := range r.nodes {
		r.enter(int32(i))
	}
	var err error
	r.registry, err = hostmgr.New(hostmgr.Config[int32]{Policy: c.Policy, Pacing: c.Pacing, Clock: r.clock, Cleanup: r.evicted})
	return r, err
}

// Check returns an error if a registry refuses the policy. Only this package has a registry of its
// own: the compiler takes more than a second for each package that has one.
func Check(p hostmgr.Policy) error {
	_, err := hostmgr.New(hostmgr.Config[int32]{Policy: p})
	return err
}

// enter has a host begin at its first moment.
func (r *run) enter(i int32) {
	h, n := &r.hosts[i], &r.nodes[i]
	*h = host{sent: n.From, interval: int64(r.cfg.Interval), down: n.To, evictedAt: never}
	if len(n.Outages) > 0 {
		h.down = n.Outages[0].Down
	}
	r.expect(i, begin, n.From)
}

// play lets events and sweeps happen in the order of their times. At the same time, a contact
// comes first.
func (r *run) play(ctx context.Context) error {
	for n := 0; ; n++ {
		e, ok := r.agenda.take()
		if !ok {
			r.figures.Recovered = int(r.registry.Stats().Recovered)
			return ctx.Err()
		}
		for r.sweepAt > 0 && r.sweepAt < e.due && ctx.Err() == nil { // else a sweep gets nothing done
			r.sweep(ctx)
		}
		if r.clock.now = e.due; n%(1<<14) == 0 {
			if r.advance(e.due); ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if err := r.fire(e.host); err != nil {
			return err
		}
		if r.stirred || r.wary {
			r.next()
		}
	}
}

// advance reports the progress.
func (r *run) advance(now int64) {
	r.cfg.played.Add(now/progressUnit - r.told)
	r.told = now / progressUnit
}

// sweep sweeps at the time that Next returned.
func (r *run) sweep(ctx context.Context) {
	r.clock.now = r.sweepAt
	rep := r.registry.Sweep(ctx)
	r.figures.Suspicions += rep.Suspected
	r.next()
}

// next reads from the registry when the next sweep is due.
func (r *run) next() {
	r.stirred, r.sweepAt = false, 0
	if at, ok := r.registry.Next(); ok {
		r.sweepAt = max(r.clock.now+1, int64(at.Sub(r.clock.start)))
	}
}

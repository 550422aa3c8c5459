// Package sim plays a trace of outages against a policy, on simulated time.
package sim

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/hostmgr"
)

// Config says how to play.
type Config struct {
	Policy   hostmgr.Policy
	Interval time.Duration // between a host's beats
	Delay    time.Duration // of a sign of life at least
	Spread   time.Duration // and so much more at most, uniformly
	Loss     float64       // the share of signs of life that are lost
	Seed     uint64
	Cadence  hostmgr.Cadence
	Full     bool         // pass nothing over
	Now      atomic.Int64 // how far it is, in nanoseconds since the trace began
}

// A run is a trace, a registry that is driven by hand, and the time.
type run struct {
	cfg      *Config
	nodes    []outage.Node
	hosts    []host
	agenda   *agenda
	net      network
	clock    *moved
	registry *hostmgr.Registry[int32]
	skips    bool
	wary     bool  // a beat may end a suspicion, which changes the time of the next sweep
	stirred  bool  // that time may be another
	sweepAt  int64 // 0: there is none
	figures  Figures
}

// Run plays a trace. The figures depend on the trace and the Config alone.
func Run(ctx context.Context, t *outage.Trace, c *Config) (Figures, error) {
	r := &run{cfg: c, nodes: t.Nodes, hosts: make([]host, len(t.Nodes)), net: newNetwork(c),
		agenda: newAgenda(len(t.Nodes), int64(max(c.Interval, c.Cadence.Max))), clock: &moved{start: t.Start}}
	var err error
	r.registry, err = hostmgr.New(hostmgr.Config[int32]{Policy: c.Policy, Cadence: c.Cadence, Clock: r.clock, Cleanup: r.evicted})
	if err != nil {
		return Figures{}, err
	}
	r.skips, r.wary = c.calm() && !c.Full, !c.calm()
	r.figures.Span = time.Duration(t.End)
	for i := range r.nodes {
		r.enter(int32(i))
	}
	err = r.play(ctx)
	c.Now.Store(t.End)
	r.figures.Recovered = int(r.registry.Stats().Recovered)
	r.figures.finish()
	return r.figures, err
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

// play lets events and sweeps happen in the order of their times. At the same time, a sign of life
// comes first.
func (r *run) play(ctx context.Context) error {
	for n := 0; ; n++ {
		e, ok := r.agenda.take()
		if !ok {
			return ctx.Err()
		}
		for r.sweepAt > 0 && r.sweepAt < e.due {
			r.sweep(ctx)
		}
		if r.clock.now = e.due; n%(1<<14) == 0 {
			if r.cfg.Now.Store(e.due); ctx.Err() != nil {
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

// sweep sweeps at the time that the registry asked for.
func (r *run) sweep(ctx context.Context) {
	r.clock.now = r.sweepAt
	rep := r.registry.Sweep(ctx)
	r.figures.Suspicions += rep.Suspected
	r.next()
}

// next asks the registry when it wants to be swept.
func (r *run) next() {
	r.stirred, r.sweepAt = false, 0
	if at, ok := r.registry.Next(); ok {
		r.sweepAt = max(r.clock.now+1, int64(at.Sub(r.clock.start)))
	}
}

// calm tells whether a host that is up is never suspect, so that quiet stretches may be passed over: no sign
// is lost, a policy without memory grants more than can lie between two of them, and they don't
// overtake each other.
func (c *Config) calm() bool {
	l, ok := c.Policy.(interface{ Learns() bool })
	if c.Loss > 0 || c.Spread > c.Interval || c.Cadence != (hostmgr.Cadence{}) || ok && l.Learns() {
		return false
	}
	suspect, evict := c.Policy.Patience(hostmgr.Pulse{Interval: c.Interval})
	apart := c.Interval + c.Spread
	return (suspect == 0 || suspect > apart) && (evict == 0 || evict > apart)
}

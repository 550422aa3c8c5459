// Package sim plays a trace of outages against a policy, on simulated time.
package sim

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/hostmgr"
)

// Config says how to play.
type Config struct {
	Policy   hostmgr.Policy
	Interval time.Duration // between a host's heartbeats
	Delay    time.Duration // of a contact at least
	Spread   time.Duration // and so much more at most, uniformly
	Loss     float64       // the share of contacts that are lost
	Seed     uint64
	Pacing   hostmgr.Pacing
	Full     bool // pass nothing over
	Announce bool // each contact is an announce, which says the interval that the host uses
	Warm     int  // see passOver; 0: a policy that needs history gets every heartbeat
	Group    int  // hosts to a registry; 0 means what is quickest

	total, played atomic.Int64 // for Progress
}

const (
	progressUnit = int64(time.Minute)
	historyGroup = 32
	usualGroup   = 2048
)

// Progress is the share that is played.
func (c *Config) Progress() float64 {
	return float64(c.played.Load()) / float64(max(1, c.total.Load()))
}

// Run plays a trace. The figures depend on the trace and the Config alone.
//
// Hosts are independent of each other if the registry has neither an eviction limit nor MaxHosts nor
// a pacing: the verdict on a host follows from its own contacts. So they are played in groups,
// each of which has a registry and a time of its own: as many at a time as there are
// processors, and each small enough to stay in a cache.
func Run(ctx context.Context, t *outage.Trace, c *Config) (Figures, error) {
	size := c.group(len(t.Nodes))
	parts := make([]Figures, (len(t.Nodes)+size-1)/size)
	c.total.Store(int64(len(parts)) * (t.End / progressUnit))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range parts {
		g.Go(func() error {
			r, err := newRun(t, c, i*size, min((i+1)*size, len(t.Nodes)))
			if err != nil {
				return err
			}
			err = r.play(ctx)
			r.advance(t.End)
			parts[i] = r.figures
			return err
		})
	}
	err := g.Wait()
	sum := Figures{Span: time.Duration(t.End)}
	for i := range parts {
		sum.add(&parts[i])
	}
	sum.finish()
	return sum, err
}

// group returns how many hosts share a registry. With a policy that needs history a sweep checks all
// hosts of a bucket whenever one of them is late, so groups are small.
func (c *Config) group(nodes int) int {
	size := c.Group
	switch {
	case c.together():
		size = nodes
	case size == 0 && c.needsHistory():
		size = historyGroup
	case size == 0:
		size = usualGroup
	}
	return max(1, min(size, nodes))
}

// together tells whether all hosts share a registry, because they depend on each other.
func (c *Config) together() bool { return c.Pacing != hostmgr.Pacing{} }

func (c *Config) needsHistory() bool {
	p, ok := c.Policy.(hostmgr.HistoryPolicy)
	return ok && p.NeedsHistory()
}

// passes tells whether quiet stretches may be skipped.
func (c *Config) passes() bool {
	return !c.Full && (c.calm() || c.orderly() && c.needsHistory() && c.Warm > 0)
}

// WarmHelps tells whether heartbeats could be skipped if Warm were set.
func (c *Config) WarmHelps() bool {
	return !c.Full && c.Warm == 0 && c.orderly() && c.needsHistory()
}

// calm tells whether a host that is up is never suspect, because its policy has no memory, and grants more
// than can lie between two contacts.
func (c *Config) calm() bool {
	if !c.orderly() || c.needsHistory() {
		return false
	}
	suspect, evict := c.Policy.Timeouts(hostmgr.History{Interval: c.Interval})
	apart := c.Interval + c.Delay + c.Spread // the first is known at once, the second takes its time
	return (suspect == 0 || suspect > apart) && (evict == 0 || evict > apart)
}

// orderly tells whether contacts come in the order in which they were sent, at one interval,
// and none is lost.
func (c *Config) orderly() bool {
	return c.Loss == 0 && c.Spread <= c.Interval && !c.together()
}

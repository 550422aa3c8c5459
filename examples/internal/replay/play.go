package replay

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/examples/internal/replay/sim"
	"github.com/hostlife/hostlife/hostmgr"
)

// A played is a policy and its results.
type played struct {
	contender
	sim.Figures
	p50, p99, longest time.Duration // until an outage was detected
	verdicts          *verdicts     // of a flight recorder's log
}

// play plays the policies that were chosen, and then the others, one after the other: a simulation
// keeps all processors busy.
func (c *config) play(ctx context.Context, t *outage.Trace, stderr io.Writer) ([]played, error) {
	all := slices.Concat(c.policies, c.more)
	games := make([]sim.Config, len(all))
	for i, p := range all {
		c.setUp(&games[i], p.policy)
	}
	var now atomic.Int64
	defer watch(stderr, func() string {
		i := now.Load()
		return fmt.Sprintf("policy %d of %d, %s: %.1f %% played%s", i+1, len(all), all[i].name, 100*games[i].Progress(), hint(&games[i]))
	})()
	results := make([]played, len(all))
	for i, p := range all {
		now.Store(int64(i))
		figures, err := sim.Run(ctx, t, &games[i])
		if err != nil {
			return nil, err
		}
		q := figures.Compact(0.5, 0.99, 1)
		results[i] = played{contender: p, Figures: figures, p50: q[0], p99: q[1], longest: q[2]}
	}
	return results, nil
}

func (c *config) setUp(game *sim.Config, p hostmgr.Policy) {
	game.Policy, game.Interval, game.Delay, game.Spread = p, c.interval, c.delay, c.spread
	game.Loss, game.Seed, game.Pacing, game.Full, game.Group = c.loss, c.seed, c.pacing, c.full, c.group
	game.Warm, game.Announce = c.warm, c.announce
}

const (
	manyHeartbeats = 50_000_000
	usualWarm      = 500
)

// warmUp limits the heartbeats of a long trace, unless -warm says how many there are.
func (c *config) warmUp(t *outage.Trace) {
	if c.warmGiven || !slices.ContainsFunc(slices.Concat(c.policies, c.more), c.warmHelps) {
		return
	}
	heartbeats := 0.0
	for i := range t.Nodes {
		heartbeats += float64(t.Nodes[i].To-t.Nodes[i].From) / float64(c.interval)
	}
	if heartbeats > manyHeartbeats {
		c.warm = usualWarm
	}
}

func (c *config) warmHelps(p contender) bool {
	var game sim.Config
	c.setUp(&game, p.policy)
	return game.WarmHelps()
}

// hint tells how a policy can be played faster.
func hint(c *sim.Config) string {
	if c.WarmHelps() {
		return fmt.Sprintf(" (-warm %d is faster)", usualWarm)
	}
	return ""
}

// watch says every now and then what goes on, as long as it does: after two seconds for the first
// time. It returns what ends it.
func watch(w io.Writer, what func() string) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for pause := 2 * time.Second; ; pause = min(2*pause, 8*time.Second) {
			select {
			case <-end:
				return
			case <-time.After(pause):
				_, _ = fmt.Fprintln(w, "replay:", what())
			}
		}
	}()
	return func() { close(end); <-ended }
}

package replay

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/examples/internal/replay/sim"
)

// A played policy, and what came of it.
type played struct {
	contender
	sim.Figures
}

// play plays the policies that were chosen, and then those of the curves, as many at a time as
// there are processors. Each has a registry and a time of its own.
func (c *config) play(ctx context.Context, t *outage.Trace, stderr io.Writer) ([]played, error) {
	all := append(c.policies[:len(c.policies):len(c.policies)], c.curves...)
	games := make([]sim.Config, len(all))
	results := make([]played, len(all))
	defer watch(stderr, func() string { return howFar(all, games, t.End) })()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range all {
		game := &games[i]
		game.Policy, game.Interval, game.Delay, game.Spread = p.policy, c.interval, c.delay, c.spread
		game.Loss, game.Seed, game.Cadence, game.Full = c.loss, c.seed, c.cadence, c.full
	}
	for i, p := range all {
		g.Go(func() error {
			figures, err := sim.Run(ctx, t, &games[i])
			results[i] = played{p, figures}
			return err
		})
	}
	return results, g.Wait()
}

// howFar says which policies are being played, and how far they are.
func howFar(all []contender, games []sim.Config, end int64) string {
	done, now := 0, []string(nil)
	for i := range all {
		switch at := games[i].Now.Load(); {
		case at >= end:
			done++
		case at > 0:
			now = append(now, fmt.Sprintf("%s %.1f %%", all[i].name, 100*float64(at)/float64(end)))
		}
	}
	return fmt.Sprintf("played %d of %d policies; %s", done, len(all), strings.Join(now, ", "))
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

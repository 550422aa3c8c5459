package hostmgr

import (
	"context"

	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
)

// newCleanups makes the queue of pending cleanups. done is called with the latency of each cleanup
// that succeeded.
func newCleanups[M any](p *parts[M], replan func(), done func(*Departure[M], int64)) *cleanup.Queue[*Departure[M]] {
	log := func(message string) func(*Departure[M]) {
		return func(d *Departure[M]) {
			p.cfg.Logger.Error(message, "host", d.Host.ID, "registration", d.Host.Registration,
				"kind", d.Kind, "limit", p.cfg.CleanupTimeout)
		}
	}
	c := cleanup.Config[*Departure[M]]{
		Clock: p.clock, Limit: p.cfg.CleanupTimeout, Workers: p.cfg.CleanupWorkers, Replan: replan, Done: done,
		TimedOut:   log("cleanup exceeds its time limit"),
		LeftBehind: log("cleanup ignores the end of its context, it is left behind"),
		GivenUp:    log("cleanup is given up, too many later ones of the host are pending"),
		Failed: func(d *Departure[M], attempt int, err error) {
			p.cleanupLogger.note(p.clock.Now())
			p.cfg.Logger.Error(cleanupFailed, "host", d.Host.ID, "registration", d.Host.Registration,
				"kind", d.Kind, "attempt", attempt, "err", brief(err))
		},
	}
	if p.cfg.Cleanup != nil {
		c.Clean = func(ctx context.Context, d *Departure[M], attempt int) error {
			own := *d // the embedder may change it
			own.Attempt = attempt
			return hear(p.cfg.Cleanup(ctx, own))
		}
	}
	return cleanup.New(c)
}

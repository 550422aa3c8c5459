package hostmgr

import (
	"context"
	"fmt"
)

// Drain does the cleanups that are owed when it is called, and returns nil when each has succeeded
// or was given up. It does nothing else: it suspects and evicts no host. It is for the end of a
// process: call it after Run, with a context of its own that has a time limit.
//
// Drain first tries each cleanup at once, even in a pause. It repeats those that fail, after their
// pauses. At most Config.CleanupWorkers run at a time, those of Sweeps and of other calls of Drain
// included. While Run is running, its workers do the cleanups, and Drain waits. Drain does cleanups
// of later departures in their turn, but does not wait for them. So Drain ends even if hosts keep
// departing.
//
// When ctx ends first, Drain returns an error that wraps ErrCleanupPending and the cause of ctx.
// Its text has the number of pending cleanups; Pending lists them. The contexts of cleanups that
// Drain runs end with ctx, and Drain returns when they have returned. A cleanup that has not
// returned 10 s later is left behind: see Config. Drain waits until ctx ends for
//   - a cleanup that keeps failing, or was left behind;
//   - a cleanup that waits for a call of While.
//
// Within a Cleanup, or a function of While, Drain does not wait: it returns an error that wraps
// ErrCleanupPending if any cleanup is pending. With a fake clock, pauses wait until another
// goroutine has moved the clock.
func (r *Registry[M]) Drain(ctx context.Context) error {
	if !r.running.Load() {
		defer r.log.Flush() // what the cleanups here may have logged
		defer r.tell()
	}
	if n, err := r.cleanups.Drain(orBackground(ctx)); err != nil {
		return fmt.Errorf("%w: Drain leaves %d undone: %w", ErrCleanupPending, n, err)
	}
	return nil
}

package hostmgr

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/hostlife/hostlife/clock"
)

// A Registry tracks which hosts are alive. Make one with New. All its methods are safe for
// concurrent use. They take a nil context for context.Background().
//
//   - Handlers of RPCs call Announce, Heartbeat or Heartbeats, Leave, and While.
//   - Get, All, InZone, Sample, Metadata and Watch say which hosts are alive.
//   - Run drives it. Next and Sweep let a loop of your own do so.
//   - Update, Evict, Forget, ForgetFor, Observe and Reconsider act by your own judgement.
//   - Pending, Drain and Restore are for the end of a process, and the beginning of the next.
//   - Stats, Departures and Trend are for operators.
//
// Normally a heartbeat takes no lock. Every other method holds one for a short time, and never
// while it calls a callback.
type Registry[M any] struct {
	*parts[M]

	running  atomic.Bool
	waiter   *clock.Waiter       // of Run; woken when its plan is out of date
	sweepSem *semaphore.Weighted // one sweep at a time

	mu      sync.RWMutex
	guarded state[M] // by mu: only lock, rlock and peek return it
}

// New returns an empty registry, or an error that wraps ErrInvalid.
func New[M any](cfg Config[M]) (*Registry[M], error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Registry[M]{waiter: clock.NewWaiter(cfg.Clock), sweepSem: semaphore.NewWeighted(1)}
	made := uint64(max(0, cfg.Clock.Now().UnixNano()))
	first := firstRegistration(made)
	r.parts = newParts(cfg, first, r.notifyRun, &r.mu)
	r.cleanups = newCleanups(r.parts, r.notifyRun, r.recordCleanup)
	r.guarded = newState(r.parts, made, first)
	r.restoredAt.Store(-1)
	r.made = made
	return r, nil
}

// Config returns the Config of New, with the defaults in place of zero fields. A StallThreshold of
// zero stays: it has another default under Run.
func (r *Registry[M]) Config() Config[M] {
	c := r.cfg
	c.Logger = r.logger
	return c
}

const maxRegistration = 1<<63 - 1<<40 // leaves numbers for all later joins

// firstRegistration returns the number before the first registration: the time in nanoseconds at
// which the registry was made, plus a random part of up to a second. No process registers hosts
// faster than one in a nanosecond, so a later process does not use a number again. The random part
// separates registries that were made at the same time, or after the clock was set back.
func firstRegistration(made uint64) uint64 {
	return min(made, maxRegistration) + rand.Uint64N(1<<30)
}

// lock takes mu, and returns the state and the time. The time is a clock reading from before lock
// had mu, or a later reading by a caller that had mu first. So under mu the time never goes back.
func (r *Registry[M]) lock() (s *state[M], now int64) {
	r.clock.AdvanceFloor(r.clock.Now())
	r.mu.Lock()
	return &r.guarded, r.clock.Floor()
}

// rlock is lock for reading. The caller releases it with mu.RUnlock.
func (r *Registry[M]) rlock() (v *view[M], now int64) {
	now = r.clock.Now()
	v = r.peek()
	return v, max(now, r.clock.Floor())
}

// peek is rlock where the time does not matter.
func (r *Registry[M]) peek() *view[M] {
	r.mu.RLock()
	return &r.guarded.view
}

// unlock releases mu, and then does what must not be done under it: it wakes watchers, Run, cleanup
// workers, the goroutine of the recorder and the owner of Sharing, and logs a conflict.
func (r *Registry[M]) unlock() {
	todo, records := r.guarded.todo, r.guarded.recorder.pending
	r.guarded.todo, r.guarded.recorder.pending = pendingWork[M]{}, false
	r.mu.Unlock()

	for _, w := range todo.watchers {
		notify(w.wake)
	}
	if todo.replan {
		r.notifyRun()
	}
	if todo.cleanups {
		r.cleanups.Wake()
	}
	if records {
		r.events.Kick()
	}
	if todo.wake != nil {
		todo.wake()
	}
	if todo.conflict != "" {
		r.cfg.Logger.Warn("announces contradict each other: two machines may use one id", "host", todo.conflict)
	}
}

// notifyRun makes Run compute its next deadline again.
func (r *Registry[M]) notifyRun() { r.waiter.Wake() }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// orBackground returns ctx, or the background context for nil: Leave, for one, must not end a
// registration and then panic.
func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// recordCleanup records the latency of a cleanup that succeeded.
func (r *Registry[M]) recordCleanup(d *Departure[M], took int64) {
	s, _ := r.lock()
	defer r.unlock()
	s.latency.cleanup(d.Kind, took)
}

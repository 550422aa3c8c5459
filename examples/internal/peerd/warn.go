package peerd

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// quiet is the minimum time between two logged failures, because a process may be many hosts.
const quiet = 5 * time.Second

// warnings thins out the failures of all hosts.
type warnings struct {
	mu       sync.Mutex // guards all below
	next     time.Time  // when a failure may be logged again
	failures int        // since the last logged one
}

// due counts a failure. If the failure is to be logged, due returns the number of failures since
// the last logged one. Otherwise it returns 0.
func (w *warnings) due(now time.Time) (failures int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures++
	if now.Before(w.next) {
		return 0
	}
	failures, w.failures, w.next = w.failures, 0, now.Add(quiet)
	return failures
}

// warn logs a failure of an announce, or of what follows from it, but at most one every 5 s; with
// -v all.
func (c *contact) warn(err error) {
	if n := c.warnings.due(time.Now()); n > 0 || c.cfg.Verbose {
		c.log.Warn("announce failed", "host", c.id, "scheduler", c.line.addr, "failures", n, "err", err)
	}
}

// severe passes on only errors, because thousands of hosts would log too much.
type severe struct{ slog.Handler }

func (severe) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (s severe) WithAttrs(as []slog.Attr) slog.Handler { return severe{s.Handler.WithAttrs(as)} }

func (s severe) WithGroup(name string) slog.Handler { return severe{s.Handler.WithGroup(name)} }

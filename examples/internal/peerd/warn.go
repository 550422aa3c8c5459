package peerd

import (
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

// due counts a failure. If it is to be logged, due returns how many there were since the last logged
// one, else 0.
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

// warn logs a failure, but at most one every 5 s; with -v all.
func (h *host) warn(err error) {
	if n := h.warnings.due(time.Now()); n > 0 || h.cfg.Verbose {
		h.log.Warn("announce failed", "host", h.id, "failures", n, "err", err)
	}
}

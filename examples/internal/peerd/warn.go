package peerd

import (
	"sync"
	"time"
)

// quiet is how long a process says nothing of failures after it has said
// something: for one that is many hosts it would be a flood.
const quiet = 5 * time.Second

// warnings thins out the failures of all hosts.
type warnings struct {
	mu       sync.Mutex // guards all below
	next     time.Time  // when one may be logged again
	failures int        // since one was
}

// due counts a failure. If it is to be logged, that is how many there were since
// the last one that was; else 0.
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

// warn logs the first failure, and then one now and then; all with -v.
func (h *host) warn(err error) {
	if n := h.warnings.due(time.Now()); n > 0 || h.cfg.Verbose {
		h.log.Warn("announce failed", "host", h.id, "failures", n, "err", err)
	}
}

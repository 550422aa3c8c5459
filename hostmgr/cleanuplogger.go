package hostmgr

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/internal/asynclog"
)

const cleanupFailed = "cleanup failed"

// A cleanupLogger logs the end of failures of cleanups, with no lock held.
type cleanupLogger struct {
	lines *asynclog.Log
	log   *slog.Logger // summarises nothing: a line is a sum
	some  atomic.Bool  // there are failures whose end was not told

	mu       sync.Mutex // guards the rest
	pace     asynclog.Pace
	failures uint64 // since the last line
	since    int64  // when the first of them was
}

// note counts a failure.
func (l *cleanupLogger) note(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failures++; l.failures == 1 {
		l.since = now
		l.some.Store(true)
	}
}

// due returns when the line is due if no cleanup is failing.
func (l *cleanupLogger) due() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pace.End()
}

// succeed logs that cleanups succeed again. The lines about those that failed come before. Call it
// if some is true and no cleanup is failing.
func (l *cleanupLogger) succeed(now int64, atOnce bool) {
	n, since := l.take(now, atOnce)
	if n == 0 {
		return
	}
	l.lines.Settle("", cleanupFailed)
	l.log.Info("cleanups succeed again", "failures", n, "after", time.Duration(now-since))
}

// take takes what is to be told. It takes nothing in a pause, unless atOnce is true.
func (l *cleanupLogger) take(now int64, atOnce bool) (failures uint64, since int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failures == 0 || l.pace.Holds(now) && !atOnce {
		return 0, 0
	}
	l.pace.Line(now)
	l.some.Store(false)
	failures, l.failures = l.failures, 0
	return failures, l.since
}

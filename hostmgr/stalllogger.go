package hostmgr

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// A stallLogger logs stalls, at most once a second, because a short StallThreshold may find many.
// It does not log stalls of impatient hosts only.
type stallLogger struct {
	log      *slog.Logger
	unlogged atomic.Int64 // nanoseconds of stalls
	nextAt   atomic.Int64 // when the next line may be logged
}

func (l *stallLogger) add(stalled int64) { l.unlogged.Add(stalled) }

// flush logs the stalls since the last line.
func (l *stallLogger) flush(now int64) {
	if l.unlogged.Load() == 0 {
		return
	}
	if at := l.nextAt.Load(); now >= at && l.nextAt.CompareAndSwap(at, now+int64(time.Second)) {
		l.log.Warn("the registry was stalled", "stall_time", time.Duration(l.unlogged.Swap(0)))
	}
}

package hostmgr

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// A stallLogger logs stalls, at most once a second: with a short StallThreshold there may be
// many. Stalls of impatient hosts only are not logged.
type stallLogger struct {
	log      *slog.Logger
	unlogged atomic.Int64 // nanoseconds of stalls
	nextAt   atomic.Int64 // when the next line may be logged
}

func (l *stallLogger) add(stalled int64) { l.unlogged.Add(stalled) }

// flush logs what was added since it last did.
func (l *stallLogger) flush(now int64) {
	if l.unlogged.Load() == 0 {
		return
	}
	if at := l.nextAt.Load(); now >= at && l.nextAt.CompareAndSwap(at, now+int64(time.Second)) {
		l.log.Warn("the registry was stalled", "stall_time", time.Duration(l.unlogged.Swap(0)))
	}
}

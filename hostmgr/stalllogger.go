package hostmgr

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// A stallLogger logs stalls, with no lock held. A line has the stalls of a second or more, because
// a short StallThreshold may find many. It does not log stalls of impatient hosts only.
type stallLogger struct {
	log      *slog.Logger
	unlogged atomic.Int64 // nanoseconds of stalls
	nextAt   atomic.Int64 // when the next line may be logged
	driver   atomic.Pointer[slowDriver]
}

// A slowDriver is what is logged of a driver whose gaps are longer than the threshold.
type slowDriver struct{ gap, threshold time.Duration }

func (l *stallLogger) add(stalled int64) { l.unlogged.Add(stalled) }

func (l *stallLogger) addSlowDriver(period, threshold int64) {
	l.driver.Store(&slowDriver{time.Duration(period), time.Duration(threshold)})
}

// flush logs that the driver is slow, and the stalls since the last line if that is a second ago.
func (l *stallLogger) flush(now int64) {
	l.flushDriver()
	if l.unlogged.Load() == 0 {
		return
	}
	if at := l.nextAt.Load(); now >= at && l.nextAt.CompareAndSwap(at, now+int64(time.Second)) {
		l.finish()
	}
}

func (l *stallLogger) flushDriver() {
	if d := l.driver.Swap(nil); d != nil {
		l.log.Warn("sweeps come too seldom for StallThreshold: such gaps count as silence from now on",
			"gap", d.gap, "threshold", d.threshold,
			"advice", "sweep at least twice in StallThreshold, or give the process more CPU time, or raise StallThreshold")
	}
}

// finish logs the stalls since the last line.
func (l *stallLogger) finish() {
	if stalled := l.unlogged.Swap(0); stalled > 0 {
		l.log.Warn("the registry was stalled", "stall_time", time.Duration(stalled))
	}
}

// tell logs what a sweep has found, and the summaries that are due. Every sweep calls it.
func (p *parts[M]) tell() {
	p.stallLogger.flush(p.clock.Now())
	p.log.Tick()
}

// stopLog undoes the Start of the log after it has told everything.
func (p *parts[M]) stopLog() {
	p.stallLogger.finish()
	p.log.Summarize()
	p.log.Stop()
}

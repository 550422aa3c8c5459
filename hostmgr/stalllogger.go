package hostmgr

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/internal/asynclog"
)

// A stallLogger logs stalls, with no lock held. A line has the stalls since the line before, because
// a short StallThreshold may find many. It does not log stalls of impatient hosts only.
type stallLogger struct {
	log      *slog.Logger
	sums     *slog.Logger // summarises nothing: a line is a sum
	unlogged atomic.Int64 // nanoseconds of stalls
	driver   atomic.Pointer[slowDriver]

	mu   sync.Mutex // guards pace
	pace asynclog.Pace
}

// A slowDriver is what is logged of a driver whose gaps are longer than the threshold.
type slowDriver struct{ gap, threshold time.Duration }

func (l *stallLogger) add(stalled int64) { l.unlogged.Add(stalled) }

func (l *stallLogger) addSlowDriver(period, threshold int64) {
	l.driver.Store(&slowDriver{time.Duration(period), time.Duration(threshold)})
}

// flush logs that the driver is slow, and the stalls since the last line unless its pause is not
// over.
func (l *stallLogger) flush(now int64) {
	l.flushDriver()
	if l.unlogged.Load() > 0 && l.passes(now) {
		l.finish()
	}
}

// passes reports whether a line may be logged at now, and begins its pause.
func (l *stallLogger) passes(now int64) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ok = !l.pace.Holds(now); ok {
		l.pace.Line(now)
	}
	return ok
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
		l.sums.Warn("the registry was stalled", "stall_time", time.Duration(stalled))
	}
}

// tell logs what a sweep has found, and the summaries that are due. Every sweep calls it.
func (p *parts[M]) tell() {
	now := p.clock.Now()
	p.stallLogger.flush(now)
	p.evictions.flush(now)
	if p.recovered() {
		p.cleanupLogger.succeed(now, false)
	}
	p.log.Tick()
}

// recovered reports whether cleanups failed, and none is failing.
func (p *parts[M]) recovered() bool { return p.cleanupLogger.some.Load() && p.cleanups.Failing() == 0 }

// tellDue returns when tell may next have something to log.
func (p *parts[M]) tellDue() int64 {
	due := min(p.log.Due(), p.evictions.due())
	if p.recovered() {
		due = min(due, p.cleanupLogger.due())
	}
	return due
}

// stopLog undoes the Start of the log after it has told everything.
func (p *parts[M]) stopLog() {
	now := p.clock.Now()
	p.stallLogger.finish()
	p.evictions.finish(now)
	if p.recovered() {
		p.cleanupLogger.succeed(now, true)
	}
	p.log.Summarize()
	p.log.Stop()
}

package gc

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"time"
)

// A Task is periodic work.
type Task struct {
	// ID names the task in calls, errors and logs. It is unique within a GC and not empty.
	ID string
	// Interval is the time from one tick to the next, however long the runs take. It is positive.
	// If the clock jumps ahead, one run follows, late, and the ticks in between are dropped. If it
	// steps back, the next tick comes within 1.5 x Interval, without Jitter.
	Interval time.Duration
	// Timeout is the time after which the context of a run is cancelled. The context's cause is
	// then context.DeadlineExceeded, by errors.Is. Its Err is context.Canceled and it has no
	// Deadline, because the GC's clock may differ from the clock of package context. 0 means no
	// timeout.
	Timeout time.Duration
	// Jitter, from 0 to below 1, varies each period by up to ±Jitter x Interval, so processes that
	// started together do not all work at once. 0 means none.
	Jitter float64
	// Run does the work, and returns when its context ends. If it does not, the task has no further
	// run, and GC.Run does not return, until it does. Other tasks are not affected. The context has
	// the values of the context of Run, RunNow or RunNext, whichever started the run.
	Run func(context.Context) error
}

func (t Task) validate() error {
	switch {
	case t.ID == "":
		return fmt.Errorf("%w: Task.ID is empty", ErrInvalid)
	case t.Run == nil:
		return fmt.Errorf("%w: task %q: Task.Run is nil", ErrInvalid, t.ID)
	case t.Interval <= 0:
		return fmt.Errorf("%w: task %q: Task.Interval %v is not positive", ErrInvalid, t.ID, t.Interval)
	case t.Timeout < 0:
		return fmt.Errorf("%w: task %q: Task.Timeout %v is negative", ErrInvalid, t.ID, t.Timeout)
	case !(t.Jitter >= 0 && t.Jitter < 1): // put so that NaN fails too
		return fmt.Errorf("%w: task %q: Task.Jitter %v is not in [0, 1)", ErrInvalid, t.ID, t.Jitter)
	}
	return nil
}

// period returns the time to the next tick.
func (t Task) period() time.Duration {
	vary := time.Duration(t.Jitter * float64(t.Interval) * (2*rand.Float64() - 1))
	return t.Interval + min(vary, math.MaxInt64-t.Interval)
}

// following returns the first tick after now, given that the one at tick is due, and the number of
// ticks in between, the last of them perhaps at now. It counts from tick, not from now, so the
// ticks keep their phase. It takes one step, so a pause of any length costs the same and no burst
// follows.
func (t Task) following(tick, now time.Time) (next time.Time, passed uint64) {
	next = tick.Add(t.period())
	if now.Before(next) {
		return next, 0
	}
	passed, rest := divide(next, now, t.Interval)
	return now.Add(t.Interval - rest), plus(passed, 1)
}

// nearest returns the tick to wait for if the one at next is planned. That is next, unless the
// clock has stepped back. Then it is the tick of the same phase that is nearest to one Interval
// from now. The half Interval in between distinguishes a step from an inexact clock, and prevents a
// second run for the same tick.
func (t Task) nearest(next, now time.Time) time.Time {
	half := t.Interval / 2
	longest := t.Interval + min(time.Duration(t.Jitter*float64(t.Interval)), math.MaxInt64-t.Interval)
	if next.Sub(now) <= longest+min(half, math.MaxInt64-longest) {
		return next
	}
	_, rest := divide(now, next, t.Interval)
	if rest < half {
		rest += t.Interval // no overflow: of such an Interval no tick is too far away
	}
	return now.Add(rest)
}

// divide returns how often by fits into the time between two times, and what remains.
func divide(from, to time.Time, by time.Duration) (n uint64, rest time.Duration) {
	if d := to.Sub(from); d < math.MaxInt64 {
		return uint64(d / by), d % by
	}
	// A Duration holds 292 years, and Sub stops there; a clock may jump further.
	d := big.NewInt(to.Unix() - from.Unix())
	d.Mul(d, big.NewInt(int64(time.Second)))
	d.Add(d, big.NewInt(int64(to.Nanosecond()-from.Nanosecond())))
	d, left := d.QuoRem(d, big.NewInt(int64(by)), new(big.Int))
	if !d.IsUint64() {
		return math.MaxUint64, time.Duration(left.Int64())
	}
	return d.Uint64(), time.Duration(left.Int64())
}

// plus returns the sum, or the highest uint64 if the sum is higher.
func plus(a, b uint64) uint64 { return a + min(b, math.MaxUint64-a) }

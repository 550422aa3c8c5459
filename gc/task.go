package gc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// A Task is work to be done periodically.
type Task struct {
	// ID names the task in calls, errors and logs. It is unique within a GC and not empty.
	ID string
	// Interval is the time from one tick to the next, however long the runs take. It is positive.
	Interval time.Duration
	// Timeout is the time after which the context of a run is cancelled. The context's cause is
	// then context.DeadlineExceeded, by errors.Is; its Err is context.Canceled and it has no
	// Deadline, because the GC's clock need not be that of package context. 0 means no timeout.
	Timeout time.Duration
	// Jitter, from 0 up to but not including 1, varies each period by up to ±Jitter × Interval, so
	// that many processes started together don't all work at once. 0 means none.
	Jitter float64
	// Run does the work, and returns when its context ends. The context has the values of the
	// context of Run or RunNow, whichever started the run.
	Run func(context.Context) error
}

func (t Task) validate() error {
	switch {
	case t.ID == "":
		return fmt.Errorf("%w: its ID is empty", ErrInvalidTask)
	case t.Run == nil:
		return fmt.Errorf("%w %q: its Run is nil", ErrInvalidTask, t.ID)
	case t.Interval <= 0:
		return fmt.Errorf("%w %q: its Interval, %v, is not positive", ErrInvalidTask, t.ID, t.Interval)
	case t.Timeout < 0:
		return fmt.Errorf("%w %q: its Timeout, %v, is negative", ErrInvalidTask, t.ID, t.Timeout)
	case !(t.Jitter >= 0 && t.Jitter < 1): // put so that NaN fails too
		return fmt.Errorf("%w %q: its Jitter, %v, is not in [0, 1)", ErrInvalidTask, t.ID, t.Jitter)
	}
	return nil
}

// period returns the time to the next tick.
func (t Task) period() time.Duration {
	vary := time.Duration(t.Jitter * float64(t.Interval) * (2*rand.Float64() - 1))
	return t.Interval + min(vary, math.MaxInt64-t.Interval)
}

// following returns the first tick after now, when the one at tick is due, and how many have come
// in between, the last of them perhaps at now. It counts from tick and not from now, so the ticks
// keep their phase; it takes one step, so a pause of any length costs the same and no burst follows.
func (t Task) following(tick, now time.Time) (next time.Time, passed uint64) {
	next = tick.Add(t.period())
	late := now.Sub(next)
	if late < 0 {
		return next, 0
	}
	n := late/t.Interval + 1
	return next.Add(n * t.Interval), uint64(n)
}

package announcer

import (
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	minSuspend = 100 * time.Millisecond // a smaller difference of the two clocks is a correction
	leastNap   = time.Second
	mostNap    = 10 * time.Second
	mostWait   = int64(24 * time.Hour)
)

// A timeline is monotonic time, in nanoseconds, that includes suspensions of the machine. One
// goroutine uses it.
//
// The monotonic clock of Linux stands still while the machine is suspended, and the wall clock does
// not. So the timeline advances by the wall clock if that has moved further. A step of the wall
// clock forward looks the same. It makes the host announce itself early, which does no harm. A step
// back is ignored. With a clock without monotonic readings, the timeline stands still at such a
// step, and goes on from there.
type timeline struct {
	clock  clock.Clock
	waiter *clock.Waiter // of that goroutine
	last   time.Time     // the latest reading
	at     int64         // its time
}

func newTimeline(c clock.Clock, w *clock.Waiter) timeline {
	return timeline{clock: c, waiter: w, last: c.Now()}
}

// now reads the clock.
func (t *timeline) now() int64 {
	reading := t.clock.Now()
	passed := max(0, reading.Sub(t.last))
	if wall := reading.Round(0).Sub(t.last.Round(0)); wall > passed+minSuspend {
		passed = wall
	}
	t.at += min(int64(passed), never-1-t.at)
	t.last = reading
	return t.at
}

// reading converts a time of the timeline into a reading of the clock.
func (t *timeline) reading(at int64) time.Time { return t.last.Add(time.Duration(at - t.at)) }

// deadline returns the deadline of a context that ends at a time, for a network client to pass on.
// With an embedder's clock there is none: other code compares deadlines with the system clock.
func (t *timeline) deadline(at int64) (d time.Time, ok bool) {
	if at >= never || t.clock != clock.System() {
		return d, false
	}
	return t.reading(at), true
}

// until begins to wait, and returns a channel that receives at a time, or earlier.
func (t *timeline) until(at int64) <-chan time.Time {
	return t.waiter.After(time.Duration(min(at-t.at, mostWait)))
}

// nap returns how long a host may wait before it reads the clock. No After ends while the machine
// is suspended, so a suspension is detected up to one nap late.
func nap(interval time.Duration) time.Duration { return min(max(interval/8, leastNap), mostNap) }

package share

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	minSuspend  = time.Second    // a smaller difference of the two clocks is a correction
	longestStep = 24 * time.Hour // between two readings; a longer one counts as this
)

// A timeline is monotonic time, in nanoseconds from 1 s on, that includes suspensions of the
// machine. One goroutine uses it.
//
// The monotonic clock of Linux stands still while the machine is suspended, and the wall clock does
// not. Meanwhile other members may have buried this one. So the timeline advances by the wall clock
// if that has moved further. A step of the wall clock forward looks the same. It only makes the
// member doubt for a second. A step back is ignored.
type timeline struct {
	clock clock.Clock
	last  time.Time // the latest reading
	at    int64     // its time
}

func newTimeline(c clock.Clock) *timeline {
	return &timeline{clock: c, last: c.Now(), at: int64(time.Second)}
}

// now reads the clock. A clock that goes back stands still.
func (t *timeline) now() int64 {
	reading := t.clock.Now()
	passed := max(0, reading.Sub(t.last))
	if wall := reading.Round(0).Sub(t.last.Round(0)); wall > passed+minSuspend {
		passed = wall
	}
	t.at += int64(min(passed, longestStep))
	t.last = reading
	return t.at
}

// reading returns the reading of the clock at a time. It is exact for times since the latest
// suspension.
func (t *timeline) reading(at int64) time.Time { return t.last.Add(time.Duration(at - t.at)) }

// isBefore reports whether a reading is before a limit by both clocks.
func isBefore(reading, limit time.Time) bool {
	return reading.Before(limit) && reading.Round(0).Before(limit.Round(0).Add(minSuspend))
}

// random returns a random number. It asks the operating system each time, because a process that is
// cloned with its memory must not draw the same numbers as its clone.
func random() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.LittleEndian.Uint64(b[:])
}

package monotime

import (
	"time"

	"github.com/hostlife/hostlife/clock"
)

// SyncWall makes Wall follow a step of the wall clock by more than 100 ms since the last call.
func (c *Clock) SyncWall() {
	old, reading := c.anchor.Load(), c.clock.Now()
	shift := reading.Round(0).Sub(old.reading.Round(0)) - reading.Sub(old.reading)
	if d := shift - old.wallShift; d.Abs() > minWallStep {
		// If this fails the Clock was re-anchored, and the new anchor has the new wall clock.
		c.anchor.CompareAndSwap(old, &anchor{old.reading, old.at, shift})
	}
}

// Wall returns the time n as the wall clock shows it, as of the last SyncWall. It returns the zero
// Time if n is Never or later.
func (c *Clock) Wall(n int64) time.Time {
	if n >= Never {
		return time.Time{}
	}
	a := c.anchor.Load()
	return a.reading.Round(0).Add(time.Duration(n)).Add(a.wallShift - time.Duration(a.at))
}

// Reading returns what the clock reads at the time n. The result can be compared with what Now of
// the embedder's clock returns.
func (c *Clock) Reading(n int64) time.Time {
	a := c.anchor.Load()
	return a.reading.Add(time.Duration(n - a.at))
}

// FromWall returns the time that Wall shows as w, which is negative if w is before the Clock was
// made. It returns now if w is zero or later than now. The earliest result is 292 years before now.
// If w and the readings of the clock have a monotonic part, that decides, and a step of the wall
// clock does not matter.
func (c *Clock) FromWall(w time.Time, now int64) int64 {
	if w.IsZero() {
		return now
	}
	at := c.Wall(now)
	if w != w.Round(0) {
		at = c.Reading(now)
	}
	return now - max(0, int64(at.Sub(w)))
}

// After returns a channel that receives once when d has passed by the embedder's clock.
func (c *Clock) After(d time.Duration) <-chan time.Time { return c.clock.After(d) }

// Hold is clock.Hold for the clock of c: a Mock waits a while for release.
func (c *Clock) Hold() (release func()) { return clock.Hold(c.clock) }

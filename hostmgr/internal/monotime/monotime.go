// Package monotime turns the readings of a clock into one monotonic time: int64 nanoseconds since a
// [Clock] was made, from 0 to [Last].
//
// It is not a source of time: the embedder's clock is. It does not know stalls: a step forward of
// that clock looks like time that passes.
//
// All functions and methods may be called concurrently. None of them takes a lock.
package monotime

import (
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/clock"
)

// Never is 146 years after the Clock was made. It stands for a time that does not come: all times
// are below it. It leaves room to add a few timeouts, or to shift a time left by one bit.
const Never = int64(1<<62 - 1)

// Last is the latest time, 137 years after the Clock was made. It leaves as much room before Never
// as a caller may use for times before 0.
const Last = Never - 1 - 1<<58

const (
	minTolerated = time.Second
	minWallStep  = 100 * time.Millisecond // a smaller one is a correction and is not shown
)

// A Clock is monotonic time that follows an embedder's clock.
//
// It compares readings by their monotonic part where they have one. Then a step of the wall clock
// does not change the time. A clock without one, such as a fake, may step:
//   - Forward: the time steps forward too.
//   - Back by at most the tolerance: the time stands still until the clock has caught up.
//   - Back by more, or forward by more than 73 years: the next Now re-anchors the Clock. The time
//     continues from the floor.
//
// Small steps back do not re-anchor because of clocks that jitter. The time would include each step
// forward and no step back, so it would run fast, and hosts would be evicted early. The tolerance
// of a registry is its stall threshold, since a longer step forward is a stall and does not count
// as silence.
//
// The floor is the latest time that was passed to AdvanceFloor. A reading below the floor reveals a
// step back. So a heartbeat, which only reads the floor, writes to no shared memory.
type Clock struct {
	clock     clock.Clock
	elapsed   interface{ Since(time.Time) time.Duration }
	stepped   func()
	tolerated int64
	anchor    atomic.Pointer[anchor]
	floor     atomic.Int64
}

// An anchor is a reading of the clock and the time at that reading. It never changes.
type anchor struct {
	reading   time.Time // with its monotonic part
	at        int64
	wallShift time.Duration // of the wall clock since reading, as of the last SyncWall
}

// New returns a Clock at time 0 that follows c. The Clock waits out steps back of up to tolerated,
// or a second if that is longer. Each re-anchoring calls stepped, in the goroutine that noticed the
// step, which may be one that sends a heartbeat. So stepped must return at once.
func New(c clock.Clock, tolerated time.Duration, stepped func()) *Clock {
	m := &Clock{clock: c, elapsed: byNow{c}, stepped: stepped}
	m.anchor.Store(&anchor{reading: c.Now()})
	m.tolerated = int64(max(minTolerated, tolerated))
	if s, ok := c.(interface{ Since(time.Time) time.Duration }); ok {
		m.elapsed = s
	}
	return m
}

// byNow adds Since to a clock that does not have it.
type byNow struct{ clock.Clock }

func (c byNow) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Now reads the clock. The result is not earlier than the floor was at the call, and it does not
// raise the floor.
//
// Here and in reanchor the floor is loaded before the clock is read, so an earlier reading means
// that the clock stepped back. If the floor were loaded after the reading, another goroutine might
// have raised it in between, and a goroutine that is merely slow would re-anchor the Clock.
func (c *Clock) Now() int64 {
	floor := c.floor.Load()
	if now := c.read(c.anchor.Load()); c.follows(now, floor) {
		return max(now, floor)
	}
	return c.reanchor()
}

// read returns the time by the anchor a, which must have been loaded before the call. If the anchor
// were loaded after the reading, then a reading from before a step back could be combined with the
// anchor from after the step, and the time would lie in the future.
func (c *Clock) read(a *anchor) int64 {
	return a.at + min(int64(c.elapsed.Since(a.reading)), Last-a.at)
}

// follows reports whether the time of a reading can continue from the floor. It cannot if the clock
// stepped back by more than is tolerated, nor if it stepped forward so far that the times up to
// Never would soon be used up.
func (c *Clock) follows(now, floor int64) bool {
	return now >= floor-c.tolerated && now-floor < Never/2
}

func (c *Clock) reanchor() int64 {
	for {
		old, floor := c.anchor.Load(), c.floor.Load()
		if now := c.read(old); c.follows(now, floor) {
			return max(now, floor)
		}
		if c.anchor.CompareAndSwap(old, &anchor{reading: c.clock.Now(), at: floor}) {
			c.stepped()
			return floor
		}
	}
}

// Floor returns the latest time that was passed to AdvanceFloor, or 0.
func (c *Clock) Floor() int64 { return c.floor.Load() }

// AdvanceFloor raises the floor to now. It does nothing if the floor is later already.
func (c *Clock) AdvanceFloor(now int64) {
	for old := c.floor.Load(); now > old && !c.floor.CompareAndSwap(old, now); {
		old = c.floor.Load()
	}
}

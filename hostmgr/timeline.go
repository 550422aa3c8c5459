package hostmgr

import (
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/clock"
)

// never is a time that does not come: 146 years after the registry was made.
// Times stay below it, which leaves room for adding a few patiences, and for the
// two bits of a word.
const never = int64(1<<62 - 1)

// A timeline turns clock readings into the registry's own time: nanoseconds
// since it was made, monotonic, from 0 to below never.
//
// The reading is the monotonic one where the clock has it, so that steps of the
// wall clock do not show. A clock without one (a fake) that steps back far behind the
// floor re-anchors the timeline at the next reading: time goes on from there, and
// Run, whose wait was for another clock, is woken.
//
// If it steps back a little, time stands still until the clock has caught up. Were the
// timeline re-anchored there as well, a clock that jitters forth and back would have it run
// fast, for it would take in each step forth and no step back, and hosts would be evicted
// before their patience has run out. What is little is up to a second, and up to MaxGap: a
// step forth that is longer is excused as a stall.
//
// The floor is what makes a step
// back visible to a heartbeat without writing anything: it rises with sweeps and
// with what takes the lock, and a heartbeat only reads it.
type timeline struct {
	clock  clock.Clock
	since  interface{ Since(time.Time) time.Duration }
	wake   chan struct{} // tells Run of a step back
	jitter int64         // up to which a step back is little
	anchor atomic.Pointer[anchor]
	floor  atomic.Int64 // time has come so far
	shift  atomic.Int64 // how far the wall clock has been stepped since the anchor
}

// An anchor is a reading of the clock, and the registry's own time then. It never changes.
type anchor struct {
	start time.Time // with its monotonic reading
	base  int64
}

func newTimeline(c clock.Clock, wake chan struct{}, maxGap time.Duration) *timeline {
	t := &timeline{clock: c, since: byNow{c}, wake: wake}
	t.anchor.Store(&anchor{start: c.Now()})
	t.jitter = int64(max(time.Second, maxGap))
	if s, ok := c.(interface{ Since(time.Time) time.Duration }); ok {
		t.since = s
	}
	return t
}

// byNow is a clock that has no Since of its own.
type byNow struct{ clock.Clock }

func (c byNow) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// now reads the clock. It is never earlier than the floor was at the call.
//
// The floor is taken before the reading, here and in reanchor: then an earlier
// reading is a step back. Taken after, it may have risen while the reading was on
// its way, and time would be moved for a goroutine that was merely slow.
func (t *timeline) now() int64 {
	floor := t.floor.Load()
	if n := t.read(t.anchor.Load()); t.follows(n, floor) {
		return max(n, floor)
	}
	return t.reanchor()
}

// follows tells whether a reading goes on from the floor. One far behind it is a step back, and one that
// is generations ahead is a step forth, after which no time would be left.
func (t *timeline) follows(n, floor int64) bool { return n >= floor-t.jitter && n-floor < never/2 }

// read takes the time since an anchor that was there before: were it the other way round, a
// reading from before a step back could meet the anchor from after it, and lie
// in the future.
func (t *timeline) read(a *anchor) int64 {
	elapsed := max(-never, int64(t.since.Since(a.start)))
	return a.base + min(elapsed, never-1-a.base)
}

func (t *timeline) reanchor() int64 {
	for {
		old, floor := t.anchor.Load(), t.floor.Load()
		if n := t.read(old); t.follows(n, floor) {
			return max(n, floor)
		}
		if t.anchor.CompareAndSwap(old, &anchor{t.clock.Now(), floor}) {
			t.shift.Store(0)
			poke(t.wake)
			return floor
		}
	}
}

// raise lifts the floor to now.
func (t *timeline) raise(now int64) {
	for old := t.floor.Load(); now > old && !t.floor.CompareAndSwap(old, now); {
		old = t.floor.Load()
	}
}

// mark takes over a step of the wall clock into what is shown; a sweep does so.
func (t *timeline) mark() {
	a, reading := t.anchor.Load(), t.clock.Now()
	shift := reading.Round(0).Sub(a.start.Round(0)) - reading.Sub(a.start)
	if d := shift - time.Duration(t.shift.Load()); d.Abs() > 100*time.Millisecond {
		t.shift.Store(int64(shift))
	}
}

// wall is the time n as people know it.
func (t *timeline) wall(n int64) time.Time {
	if n >= never {
		return time.Time{}
	}
	a := t.anchor.Load()
	return a.start.Round(0).Add(time.Duration(n)).Add(time.Duration(t.shift.Load() - a.base))
}

// reading is what the clock reads at n: to be compared with its Now.
func (t *timeline) reading(n int64) time.Time {
	a := t.anchor.Load()
	return a.start.Add(time.Duration(n - a.base))
}

// at is the inverse of wall, for times in the past of now, to 292 years before it.
func (t *timeline) at(w time.Time, now int64) int64 {
	if w.IsZero() {
		return now
	}
	return now - max(0, int64(t.wall(now).Sub(w)))
}

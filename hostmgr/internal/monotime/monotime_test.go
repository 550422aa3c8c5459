package monotime_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

const year = 365 * 24 * time.Hour

// A fake is a clock without a monotonic part. A test steps it by hand.
type fake struct {
	now    time.Time
	asked  int
	before func() // called once, before the next reading
	after  func() // called once, after it, before it is returned
}

func newFake() *fake { return &fake{now: time.Unix(1_000_000, 0)} }

func (f *fake) step(d time.Duration) { f.now = f.now.Add(d) }

func (f *fake) Now() time.Time {
	f.asked++
	call(&f.before)
	now := f.now
	call(&f.after)
	return now
}

func call(hook *func()) {
	if f := *hook; f != nil {
		*hook = nil
		f()
	}
}

func (f *fake) After(d time.Duration) <-chan time.Time {
	c := make(chan time.Time, 1)
	c <- f.now.Add(d)
	return c
}

// follow returns a Clock on the fake clock, and the count of its calls of stepped.
func follow(c clock.Clock, tolerated time.Duration) (*monotime.Clock, *int) {
	steps := new(int)
	return monotime.New(c, tolerated, func() { *steps++ }), steps
}

func TestTimeStartsAtZeroAndFollows(t *testing.T) {
	f := newFake()
	c, steps := follow(f, 0)
	require.Zero(t, c.Now())
	f.step(time.Hour)
	require.EqualValues(t, time.Hour, c.Now())
	require.Zero(t, c.Floor(), "reading does not raise it")
	require.Zero(t, *steps)
	require.Equal(t, f.now.Add(time.Minute), <-c.After(time.Minute))
}

func TestFloor(t *testing.T) {
	c, steps := follow(newFake(), 0)
	c.AdvanceFloor(5)
	c.AdvanceFloor(3)
	require.EqualValues(t, 5, c.Floor())
	require.EqualValues(t, 5, c.Now(), "the clock itself is behind")
	require.Zero(t, *steps)
}

// The tolerance is at least a second. A step back that is as long is waited out.
func TestStepsBackUpToTheTolerance(t *testing.T) {
	for _, row := range []struct{ given, tolerated time.Duration }{
		{-1, time.Second}, {0, time.Second}, {time.Millisecond, time.Second},
		{time.Second + 1, time.Second + 1}, {time.Minute, time.Minute},
	} {
		f := newFake()
		c, steps := follow(f, row.given)
		f.step(time.Hour)
		c.AdvanceFloor(c.Now())

		f.step(-row.tolerated)
		require.EqualValues(t, time.Hour, c.Now())
		f.step(row.tolerated / 2)
		require.EqualValues(t, time.Hour, c.Now())
		f.step(row.tolerated/2 + 2)
		require.Greater(t, c.Now(), int64(time.Hour))
		require.Zero(t, *steps)

		f.step(time.Duration(c.Floor()-c.Now()) - row.tolerated - 1)
		require.Equal(t, c.Floor(), c.Now())
		require.Equal(t, 1, *steps)
		f.step(time.Second)
		require.Equal(t, c.Floor()+int64(time.Second), c.Now())
		require.Equal(t, 1, *steps)
	}
}

// A clock that goes two steps forth and one back, for an hour: the time passes by an hour, not by
// two.
func TestTimeDoesNotRunFastOnAClockThatJitters(t *testing.T) {
	f := newFake()
	c, steps := follow(f, 0)
	for range 3600 {
		f.step(2 * time.Second)
		c.AdvanceFloor(c.Now())
		f.step(-time.Second)
		c.AdvanceFloor(c.Now())
	}
	require.EqualValues(t, time.Hour+time.Second, c.Now())
	require.Zero(t, *steps)
}

// A clock that jumps by centuries takes no time away.
func TestJumpsByCenturies(t *testing.T) {
	for _, jumps := range [][]time.Duration{
		{-10 * year}, {-57 * year}, {-200 * year}, {200 * year}, {200 * year, -200 * year},
		{100 * year, -100 * year, 100 * year, -100 * year}, {80 * year, 80 * year, 80 * year, 80 * year},
	} {
		f := newFake()
		c, steps := follow(f, time.Minute)
		for _, d := range jumps {
			f.step(d)
			c.SyncWall()
			c.AdvanceFloor(c.Now())
		}
		require.Equal(t, len(jumps), *steps)
		require.Equal(t, f.now, c.Wall(c.Now()), "%v", jumps)
		before := c.Now()
		require.Less(t, before, int64(time.Hour))
		f.step(time.Second)
		require.Equal(t, before+int64(time.Second), c.Now(), "%v", jumps)
	}
}

// A step that is longer than a Duration can say.
func TestAJumpThatDoesNotFit(t *testing.T) {
	for _, years := range []int{-1000, 1000} {
		f := newFake()
		c, steps := follow(f, 0)
		c.AdvanceFloor(7)
		f.now = f.now.AddDate(years, 0, 0)
		require.EqualValues(t, 7, c.Now())
		require.Equal(t, 1, *steps)
		require.Equal(t, f.now, c.Wall(7))
	}
}

// Steps forth that use up all of the time: it stays below Never, and stands still from then on.
func TestTimeEndsBelowNever(t *testing.T) {
	f := newFake()
	c, steps := follow(f, 0)
	for range 7 {
		f.step(70 * year)
		c.AdvanceFloor(c.Now())
	}
	require.Equal(t, monotime.Last, c.Now())
	require.Zero(t, *steps)
}

// The floor rises while a goroutine reads the clock: that goroutine was slow, the clock did not
// step back.
func TestAFloorThatRisesDuringAReadingIsNoStep(t *testing.T) {
	f := newFake()
	c, steps := follow(f, 0)
	f.after = func() {
		f.step(time.Hour)
		c.AdvanceFloor(c.Now())
	}
	require.Zero(t, c.Now())
	require.Zero(t, *steps)
}

// The clock steps back, and another goroutine re-anchors the Clock, while this one has a reading
// from before the step: that one is used with the anchor from before the step too.
func TestAReadingIsUsedWithItsOwnAnchor(t *testing.T) {
	f := newFake()
	c, steps := follow(f, 0)
	f.step(time.Hour)
	c.AdvanceFloor(c.Now())
	f.after = func() {
		f.step(-time.Hour)
		require.EqualValues(t, time.Hour, c.Now())
	}
	f.step(time.Minute)
	require.EqualValues(t, time.Hour+time.Minute, c.Now())
	require.Equal(t, 1, *steps)
	f.step(2 * time.Minute)
	require.EqualValues(t, time.Hour+2*time.Minute, c.Now())
}

// Two goroutines notice the same step back: one of them re-anchors.
func TestOneStepReanchorsOnce(t *testing.T) {
	f := newFake()
	c, steps := follow(f, 0)
	f.step(time.Hour)
	c.AdvanceFloor(c.Now())
	f.step(-time.Minute)
	f.after = func() { require.EqualValues(t, time.Hour, c.Now()) }
	require.EqualValues(t, time.Hour, c.Now())
	require.Equal(t, 1, *steps)
}

// A counted clock has a Since, which is cheaper.
type counted struct {
	*fake
	since int
}

func (c *counted) Since(t time.Time) time.Duration {
	c.since++
	return c.now.Sub(t)
}

func TestSinceIsPreferred(t *testing.T) {
	f := &counted{fake: newFake()}
	c, _ := follow(f, 0)
	f.step(time.Second)
	require.EqualValues(t, time.Second, c.Now())
	require.Equal(t, 1, f.since)
	require.Equal(t, 1, f.asked, "once, in New")
}

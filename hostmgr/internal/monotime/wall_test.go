package monotime_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

// A computer is a clock like the system's: its readings have a monotonic part, and its wall clock
// can be stepped.
type computer struct {
	started       time.Time
	elapsed, step time.Duration
}

func (m *computer) Now() time.Time { return steppedWall(m.started.Add(m.elapsed), m.step) }

func (m *computer) After(time.Duration) <-chan time.Time { return nil }

// steppedWall changes the wall clock's part of a reading and keeps the monotonic part. Package
// time has no way to do that: Add changes both, and everything else drops one. So this writes into
// the bits of a Time, where the seconds are above the 30 bits of the nanoseconds.
func steppedWall(t time.Time, step time.Duration) time.Time {
	const nanoseconds = 1<<30 - 1
	to := t.Round(0).Add(step)
	wall := (*uint64)(unsafe.Pointer(&t))
	*wall += uint64(to.Unix()-t.Unix()) << 30
	*wall = *wall&^nanoseconds | uint64(to.Nanosecond())
	return t
}

// A step of the wall clock does not change the time. From the next SyncWall on times are shown by
// the new wall clock, unless the step is so small that it is a correction.
func TestAStepOfTheWallClock(t *testing.T) {
	for _, row := range []struct{ step, shown time.Duration }{
		{-time.Hour, -time.Hour}, {time.Hour, time.Hour}, {-year, -year}, {year, year},
		{100 * time.Millisecond, 0}, {-100 * time.Millisecond, 0},
		{100*time.Millisecond + 1, 100*time.Millisecond + 1},
		{-100*time.Millisecond - 1, -100*time.Millisecond - 1},
	} {
		m := &computer{started: time.Now()}
		c, steps := follow(m, time.Second)
		m.elapsed, m.step = time.Second, row.step
		require.Zero(t, m.Now().Sub(m.started.Add(m.elapsed)), "the monotonic part")

		require.EqualValues(t, time.Second, c.Now())
		require.Equal(t, m.started.Round(0), c.Wall(0), "not yet")
		c.SyncWall()
		shown := m.started.Round(0).Add(row.shown)
		require.Equal(t, shown, c.Wall(0))
		require.Equal(t, shown.Add(time.Hour), c.Wall(int64(time.Hour)))
		require.EqualValues(t, time.Second, c.Now())
		require.Zero(t, c.Reading(c.Now()).Sub(m.Now()), "as the clock reads")
		require.EqualValues(t, 5, c.FromWall(c.Wall(5), 10))

		m.step = 0
		c.SyncWall()
		require.Equal(t, m.started.Round(0), c.Wall(0), "it was stepped back")
		require.Zero(t, *steps)
	}
}

// Small corrections add up.
func TestCorrectionsOfTheWallClockAddUp(t *testing.T) {
	m := &computer{started: time.Now()}
	c, _ := follow(m, 0)
	for range 3 {
		m.step += 50 * time.Millisecond
		c.SyncWall()
	}
	require.Equal(t, m.started.Round(0).Add(150*time.Millisecond), c.Wall(0))
}

func TestWallAndReadingAfterAStepBack(t *testing.T) {
	f := newFake()
	c, _ := follow(f, 0)
	f.step(100 * time.Second)
	c.AdvanceFloor(c.Now())
	f.step(-50 * time.Second)
	now := c.Now()
	c.SyncWall()
	require.Equal(t, f.now, c.Wall(now))
	require.Equal(t, f.now.Add(time.Second), c.Reading(now+int64(time.Second)))
}

// Both at once: the monotonic clock steps back, which re-anchors, and then the wall clock steps.
func TestAStepOfTheWallClockAfterAStepBack(t *testing.T) {
	m := &computer{started: time.Now()}
	c, steps := follow(m, 0)
	m.elapsed = 100 * time.Second
	c.AdvanceFloor(c.Now())
	m.elapsed = 50 * time.Second
	require.EqualValues(t, 100*time.Second, c.Now())
	require.Equal(t, 1, *steps)

	m.elapsed += time.Second
	m.step = time.Hour
	c.SyncWall()
	require.EqualValues(t, 101*time.Second, c.Now())
	require.Equal(t, m.Now().Round(0), c.Wall(c.Now()))
	require.Zero(t, c.Reading(c.Now()).Sub(m.Now()))
}

func TestNeverIsShownAsTheZeroTime(t *testing.T) {
	c, _ := follow(newFake(), 0)
	require.Zero(t, c.Wall(monotime.Never))
	require.Zero(t, c.Wall(monotime.Never+1))
	require.NotZero(t, c.Wall(monotime.Never-1))
}

func TestFromWall(t *testing.T) {
	f := newFake()
	c, _ := follow(f, 0)
	f.step(time.Hour)
	now := c.Now()
	require.Equal(t, now, c.FromWall(time.Time{}, now))
	require.Equal(t, now, c.FromWall(f.now.Add(time.Hour), now), "in the future")
	require.Equal(t, now-int64(time.Minute), c.FromWall(f.now.Add(-time.Minute), now))
	for _, years := range []int{1, 147, 290} {
		w := f.now.AddDate(-years, 0, 0)
		require.Equal(t, w, c.Wall(c.FromWall(w, now)))
	}
	oldest := c.Wall(c.FromWall(f.now.AddDate(-5000, 0, 0), now))
	require.InDelta(t, 292, f.now.Sub(oldest).Hours()/24/365.25, 1)
}

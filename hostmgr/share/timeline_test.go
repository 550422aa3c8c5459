package share

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A wall clock that is set forth and back by centuries makes the time go on, and never overflow.
func TestTimelineNeverOverflows(t *testing.T) {
	early := time.Unix(1000, 0)
	c := &twoClocks{[]time.Time{early}}
	l := newTimeline(c)
	for range 10 {
		at := l.now()
		c.readings[0] = early.AddDate(250, 0, 0)
		require.Greater(t, l.now(), at)
		c.readings[0] = early
		require.Equal(t, l.at, l.now())
	}
}

// A twoClocks is a clock whose monotonic part and wall clock a test moves.
type twoClocks struct{ readings []time.Time }

func (c *twoClocks) Now() time.Time                     { return c.readings[0] }
func (*twoClocks) After(time.Duration) <-chan time.Time { return nil }

func TestTimelineIncludesSuspensions(t *testing.T) {
	const sec = int64(time.Second)
	start := time.Unix(1000, 0) // without a monotonic part: both clocks move alike
	c := &twoClocks{[]time.Time{start}}
	l := newTimeline(c)
	require.Equal(t, sec, l.now())
	c.readings[0] = start.Add(time.Minute)
	require.Equal(t, 61*sec, l.now())
	require.Equal(t, start.Add(30*time.Second), l.reading(31*sec))
	c.readings[0] = start
	require.Equal(t, 61*sec, l.now(), "it stands still when the clock goes back")

	now := time.Now() // with one
	c.readings[0] = now
	l = newTimeline(c)
	l.last = now.Add(-time.Hour) // both parts
	require.Equal(t, 3601*sec, l.now())
	require.True(t, isBefore(now, now.Add(time.Second)))
	require.False(t, isBefore(now, now))
	require.False(t, isBefore(now.Round(0).Add(time.Minute), now.Add(time.Second)), "by the wall clock")
}

package hostmgr_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A computer is a clock like the system's: its readings are monotonic, although its wall clock is
// stepped.
type computer struct {
	started       time.Time
	elapsed, step time.Duration
}

func (m *computer) Now() time.Time { return steppedWall(m.started.Add(m.elapsed), m.step) }

func (m *computer) After(time.Duration) <-chan time.Time { return nil }

// steppedWall moves the wall clock of a reading, and keeps its monotonic part. Package time has no
// function for that: Add moves both, and all others drop one of them. So this changes the bits of a
// Time that hold the seconds and nanoseconds of the wall clock.
func steppedWall(t time.Time, step time.Duration) time.Time {
	const nanoseconds = 1<<30 - 1
	to := t.Round(0).Add(step)
	wall := (*uint64)(unsafe.Pointer(&t))
	*wall += uint64(to.Unix()-t.Unix()) << 30
	*wall = *wall&^nanoseconds | uint64(to.Nanosecond())
	return t
}

// A step of the wall clock is not time that passes: it evicts no host, delays no eviction, and is
// no stall. From the next sweep on all times are shown by the new wall clock, unless the step is so
// small that it is a correction.
func TestPromise4AWallClockThatStepsUnderAMonotonicOne(t *testing.T) {
	for _, row := range []struct{ step, shown time.Duration }{
		{-time.Hour, -time.Hour}, {time.Hour, time.Hour},
		{-365 * 24 * time.Hour, -365 * 24 * time.Hour}, {365 * 24 * time.Hour, 365 * 24 * time.Hour},
		{100 * time.Millisecond, 0}, {-100 * time.Millisecond, 0},
		{100*time.Millisecond + 1, 100*time.Millisecond + 1}, {-100*time.Millisecond - 1, -100*time.Millisecond - 1},
	} {
		m := &computer{started: time.Now()}
		forged := steppedWall(m.started, row.step)
		require.Zero(t, forged.Sub(m.started))
		require.Equal(t, row.step, forged.Round(0).Sub(m.started.Round(0)))

		r, err := hostmgr.New(hostmgr.Config[int]{Clock: m, StallThreshold: second})
		require.NoError(t, err)
		_, err = r.Announce(hostmgr.Announcement[int]{ID: "a", Interval: second})
		require.NoError(t, err)
		m.elapsed, m.step = second/2, row.step
		require.Zero(t, r.Sweep(t.Context()).StallTime)

		shown := m.started.Round(0).Add(row.shown)
		h, ok := r.Get("a")
		require.True(t, ok)
		require.Equal(t, shown, h.LastContact)
		require.Equal(t, shown, h.Joined)
		require.Equal(t, shown.Add(2*second), h.EvictAt)
		next, ok := r.Next()
		require.True(t, ok)
		require.Equal(t, second/2, next.Sub(m.Now()), "as the clock will read then")

		for m.elapsed < 2*second {
			m.elapsed += second / 2
			require.Zero(t, r.Sweep(t.Context()).Evicted)
		}
		m.elapsed++
		rep := r.Sweep(t.Context())
		require.Equal(t, 1, rep.Evicted)
		require.Equal(t, shown.Add(2*second+1), rep.At)
		require.Zero(t, r.Stats().Stalls)
	}
}

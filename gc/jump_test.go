package gc_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	bclock "github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
)

// A jumping clock reads another time after each jump; its Afters wait for time to pass.
type jumping struct {
	clock.Clock
	ahead atomic.Int64 // in seconds, because a Duration holds 292 years
}

func (j *jumping) Now() time.Time {
	now, ahead := j.Clock.Now(), j.ahead.Load()
	return time.Unix(now.Unix()+ahead, int64(now.Nanosecond()))
}

func (j *jumping) jump(seconds int64) { j.ahead.Add(seconds) }

const centuries = 500 * 8766 * 3600 // in seconds; more than a time.Duration holds

// jumps runs a script with a task on a clock that may jump. A burst fails the test and ends.
func jumps(t *testing.T, task gc.Task, play func(*testing.T, *gc.GC, *jumping, *diary)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		j := &jumping{Clock: clock.System()}
		g := newGC(t, gc.Config{Clock: j})
		d := newDiary()
		task.ID = "a"
		task.Run = func(context.Context) error {
			d.note()
			if len(d.seconds()) == 100 {
				t.Error("it runs again and again")
				g.Remove("a")
			}
			return nil
		}
		require.NoError(t, g.Add(task))
		stop := start(t, g)
		play(t, g, j, d)
		require.NoError(t, stop())
	})
}

func TestNoBurstAfterAJumpOfCenturies(t *testing.T) {
	jumps(t, gc.Task{Interval: time.Hour}, func(t *testing.T, g *gc.GC, j *jumping, d *diary) {
		time.Sleep(30 * time.Minute)
		j.jump(centuries + 20*60)
		time.Sleep(3 * time.Hour)

		require.Equal(t, []float64{3600, 6000, 9600}, d.seconds(), "one late, then those in phase")
		require.EqualValues(t, centuries/3600, stats(t, g, "a").Dropped)
		require.EqualValues(t, time.Duration(math.MaxInt64), stats(t, g, "a").PeriodJitter.Max)
	})
}

// The ticks go on after a step back, in phase. No tick is closer than half an interval to the run
// before.
func TestClockStepsBack(t *testing.T) {
	for name, test := range map[string]struct {
		back int64
		want []float64
	}{
		"seconds":           {20, []float64{60, 120, 180, 260, 320, 380}},
		"an hour":           {3600, []float64{60, 120, 180, 240, 300, 360}},
		"an hour and more":  {3620, []float64{60, 120, 180, 260, 320, 380}},
		"an hour and most":  {3650, []float64{60, 120, 180, 230, 290, 350}},
		"centuries":         {centuries, []float64{60, 120, 180, 240, 300, 360}},
		"centuries, a part": {centuries + 20, []float64{60, 120, 180, 260, 320, 380}},
	} {
		t.Run(name, func(t *testing.T) {
			jumps(t, gc.Task{Interval: time.Minute}, func(t *testing.T, g *gc.GC, j *jumping, d *diary) {
				time.Sleep(150 * time.Second)
				j.jump(-test.back)
				time.Sleep(230*time.Second + 1)
				require.Equal(t, test.want, d.seconds())
				require.Zero(t, stats(t, g, "a").Dropped)
			})
		})
	}
}

// The wrong time comes and goes.
func TestClockJumpsForthAndBack(t *testing.T) {
	jumps(t, gc.Task{Interval: time.Hour}, func(t *testing.T, g *gc.GC, j *jumping, d *diary) {
		for range 3 {
			time.Sleep(155 * time.Minute)
			j.jump(centuries)
			time.Sleep(time.Hour)
			j.jump(-centuries)
		}
		time.Sleep(90*time.Minute + 1)
		require.Len(t, d.seconds(), 12)
		require.EqualValues(t, 3*centuries/3600, stats(t, g, "a").Dropped)
	})
}

// A clock whose Afters wait for a reading, as those of fakes do, steps back during a run. The loop
// sees that at the end of the run. A clock.Mock would wake it at the step.
func TestClockStepsBackDuringARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mock := bclock.NewMock()
		mock.Set(time.Unix(1e9, 0))
		g := newGC(t, gc.Config{Clock: mock})
		runs, step := 0, make(chan struct{})
		minutely(t, g, "a", func(context.Context) error {
			if runs++; runs == 1 {
				<-step
			}
			return nil
		})
		stop := start(t, g)
		for want := range 4 {
			mock.Add(time.Minute)
			synctest.Wait()
			require.Equal(t, want+1, runs)
			if runs == 1 {
				mock.Set(time.Unix(1e9-3600, 0))
				close(step)
				synctest.Wait()
			}
		}
		require.NoError(t, stop())
	})
}

// More ticks pass than a uint64 counts: it stays at its highest value.
func TestCountOfDroppedTicksIsNeverLess(t *testing.T) {
	jumps(t, gc.Task{Interval: 1}, func(t *testing.T, g *gc.GC, j *jumping, d *diary) {
		time.Sleep(2 * time.Nanosecond)
		for range 3 {
			j.jump(centuries)
			time.Sleep(2 * time.Nanosecond)
		}
		synctest.Wait()
		require.Less(t, len(d.seconds()), 20)
		require.Equal(t, uint64(math.MaxUint64), stats(t, g, "a").Dropped)
	})
}

// The longest interval there is, on a clock that jumps over many of them, forth and back.
func TestLongestIntervalOnAJumpingClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mock := clock.NewMock()
		j := &jumping{Clock: mock}
		g := newGC(t, gc.Config{Clock: j})
		runs := 0
		require.NoError(t, g.Add(gc.Task{ID: "a", Interval: math.MaxInt64, Timeout: math.MaxInt64,
			Run: func(context.Context) error { runs++; return nil }}))
		stop := start(t, g)
		for i, seconds := range []int64{3 * centuries, -7 * centuries, 5 * centuries, 0} {
			j.jump(seconds)
			mock.Add(math.MaxInt64)
			synctest.Wait()
			require.Equal(t, i+1, runs)
		}
		require.NoError(t, stop())
	})
}

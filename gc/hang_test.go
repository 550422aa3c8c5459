package gc_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/gc"
)

// hanging runs a script with two tasks that run every minute. Task "a" hangs until it is freed, and
// ignores its context; task "b" does not hang. The book has the log.
func hanging(t *testing.T, play func(t *testing.T, g *gc.GC, free chan struct{}, book *logbook)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var book logbook
		g := newGC(t, gc.Config{Logger: book.logger()})
		free := make(chan struct{})
		minutely(t, g, "a", func(context.Context) error { <-free; return nil })
		minutely(t, g, "b", nothing)
		play(t, g, free, &book)
	})
}

func minutely(t *testing.T, g *gc.GC, id string, run func(context.Context) error) {
	t.Helper()
	require.NoError(t, g.Add(gc.Task{ID: id, Interval: time.Minute, Run: run}))
}

// lines are those of a hanging run.
func (l *logbook) lines() (lines []string) {
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, "still running") {
			lines = append(lines, line)
		}
	}
	return lines
}

// A run hangs for a day.
func TestHangIsSeenWhileItLasts(t *testing.T) {
	hanging(t, func(t *testing.T, g *gc.GC, free chan struct{}, book *logbook) {
		begun := time.Now()
		stop := start(t, g)
		time.Sleep(90 * time.Second)
		require.Equal(t, begun.Add(time.Minute), stats(t, g, "a").RunningSince)
		require.Zero(t, stats(t, g, "a").Dropped)
		for minute := range uint64(1439) {
			time.Sleep(time.Until(begun.Add(time.Duration(minute+2) * time.Minute)))
			synctest.Wait()
			s := stats(t, g, "a")
			require.Equal(t, minute+1, s.Dropped, "at each tick")
			require.Equal(t, begun.Add(time.Minute), s.RunningSince)
		}
		lines := book.lines()
		require.Len(t, lines, 11, "at the 1st, 2nd, 4th ... 1024th")
		require.Contains(t, lines[0], `level=WARN msg="gc: task still running" task=a`)
		require.Contains(t, lines[0], "for=1m0s dropped=1")
		require.Contains(t, lines[10], "for=17h4m0s dropped=1024")
		require.NotContains(t, lines[0], "removed")
		require.EqualValues(t, 1440, stats(t, g, "b").Runs, "the other goes on")
		require.Zero(t, stats(t, g, "b").PeriodJitter.Max, "and in time")

		time.Sleep(30 * time.Second)
		close(free)
		synctest.Wait()
		require.Zero(t, stats(t, g, "a").RunningSince)
		require.EqualValues(t, 1, stats(t, g, "a").Runs)
		time.Sleep(30 * time.Second) // the next tick
		synctest.Wait()
		require.EqualValues(t, 2, stats(t, g, "a").Runs)
		require.EqualValues(t, 1439, stats(t, g, "a").Dropped)
		require.Zero(t, stats(t, g, "a").PeriodJitter.Max, "in phase")
		require.NoError(t, stop())
	})
}

// Each hang is logged from its first tick on.
func TestEachHangIsLogged(t *testing.T) {
	hanging(t, func(t *testing.T, g *gc.GC, free chan struct{}, book *logbook) {
		stop := start(t, g)
		for range 3 {
			time.Sleep(3*time.Minute + time.Second)
			free <- struct{}{}
		}
		require.Len(t, book.lines(), 6)
		close(free)
		require.NoError(t, stop())
	})
}

// RunNow started it.
func TestHangOfRunNowIsSeen(t *testing.T) {
	hanging(t, func(t *testing.T, g *gc.GC, free chan struct{}, book *logbook) {
		begun := time.Now()
		called := runNow(t.Context(), g, "a")
		require.Equal(t, begun, stats(t, g, "a").RunningSince, "without Run too")
		time.Sleep(time.Second)
		stop := start(t, g)
		time.Sleep(4*time.Minute + time.Second)
		require.EqualValues(t, 4, stats(t, g, "a").Dropped)
		require.Len(t, book.lines(), 3)
		require.Contains(t, book.lines()[2], "for=4m1s dropped=4")
		close(free)
		require.NoError(t, <-called)
		require.Zero(t, stats(t, g, "a").RunningSince)
		require.NoError(t, stop())
	})
}

// Run was told to end, and waits.
func TestHangIsLoggedWhileRunWaits(t *testing.T) {
	hanging(t, func(t *testing.T, g *gc.GC, free chan struct{}, book *logbook) {
		stop := start(t, g)
		time.Sleep(90 * time.Second)
		ended := make(chan error, 1)
		go func() { ended <- stop() }()
		time.Sleep(time.Hour)
		require.EqualValues(t, 60, stats(t, g, "a").Dropped)
		require.Len(t, book.lines(), 6)
		require.EqualValues(t, 1, stats(t, g, "b").Runs)
		require.Empty(t, ended)
		close(free)
		require.NoError(t, <-ended)
		require.EqualValues(t, 1, stats(t, g, "a").Runs)
	})
}

// The task was removed, and its run ignores that too.
func TestHangOfARemovedTaskIsLogged(t *testing.T) {
	hanging(t, func(t *testing.T, g *gc.GC, free chan struct{}, book *logbook) {
		stop := start(t, g)
		time.Sleep(90 * time.Second)
		require.True(t, g.Remove("a"))
		time.Sleep(time.Hour)
		require.Len(t, book.lines(), 6)
		require.Contains(t, book.lines()[0], "for=1m0s dropped=1 removed=true")
		close(free)
		require.NoError(t, stop())
	})
}

// A hanging run of a removed task prevents runs of a new task with its ID. The new task's ticks are
// dropped, and only its loop logs the reason.
func TestHangOfARemovedTaskHoldsItsSuccessor(t *testing.T) {
	hanging(t, func(t *testing.T, g *gc.GC, free chan struct{}, book *logbook) {
		begun := time.Now()
		stop := start(t, g)
		time.Sleep(90 * time.Second)
		require.True(t, g.Remove("a"))
		minutely(t, g, "a", nothing)
		require.Equal(t, begun.Add(time.Minute), stats(t, g, "a").RunningSince)

		time.Sleep(4*time.Minute + time.Second)
		require.EqualValues(t, 4, stats(t, g, "a").Dropped)
		require.Len(t, book.lines(), 3)
		require.Contains(t, book.lines()[0], "for=1m30s dropped=1 removed=true")
		close(free)
		synctest.Wait()
		require.Zero(t, stats(t, g, "a").RunningSince)
		time.Sleep(time.Minute)
		require.EqualValues(t, 1, stats(t, g, "a").Runs)
		require.NoError(t, stop())
	})
}

// A run that RunNow started ends at the very moment of a tick: that tick has its run.
func TestRunNowEndsAtATick(t *testing.T) {
	for range 20 {
		script(t, func(t *testing.T, g *gc.GC) {
			d := newDiary()
			add(t, g, "a", func(context.Context) error {
				d.note()
				if len(d.seconds()) == 1 {
					time.Sleep(2500 * time.Millisecond)
				}
				return nil
			})
			stop := start(t, g)
			time.Sleep(500 * time.Millisecond)
			require.NoError(t, g.RunNow(t.Context(), "a"))
			synctest.Wait()
			require.Equal(t, []float64{0.5, 3}, d.seconds())
			require.EqualValues(t, 2, stats(t, g, "a").Dropped)
			require.NoError(t, stop())
		})
	}
}

// RunNow starts a new run each time the one before has ended, until after Run was told to end. That
// does not delay the end of Run.
func TestRunNowWithoutAPauseDoesNotHoldRunUp(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		add(t, g, "a", func(context.Context) error { time.Sleep(700 * time.Millisecond); return nil })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for ctx.Err() == nil {
				_ = g.RunNow(ctx, "a")
			}
		}()
		stop := start(t, g)
		time.Sleep(10100 * time.Millisecond)
		asked := time.Now()
		require.NoError(t, stop())
		require.LessOrEqual(t, time.Since(asked), 700*time.Millisecond)
		require.EqualValues(t, 10, stats(t, g, "a").Dropped+stats(t, g, "a").PeriodJitter.Count)
		cancel()
		<-ended
		time.Sleep(time.Second) // for the run that the caller left
	})
}

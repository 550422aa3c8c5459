package gc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
)

// The GC's clock decides about the timeout, not package time.
func TestTimeoutGoesByTheClock(t *testing.T) {
	mock := clock.NewMock()
	g := newGC(t, gc.Config{Clock: mock})
	var cause error
	task := gc.Task{ID: "a", Interval: time.Hour, Timeout: time.Minute, Run: func(ctx context.Context) error {
		<-ctx.Done()
		cause = context.Cause(ctx)
		return ctx.Err()
	}}
	require.NoError(t, g.Add(task))
	ended := make(chan error, 1)
	go func() { ended <- g.RunNow(t.Context(), "a") }()
	require.NoError(t, mock.BlockUntil(t.Context(), 1))

	mock.Add(time.Minute - 1)
	require.Zero(t, stats(t, g, "a").Timeouts)
	mock.Add(1)
	require.ErrorIs(t, <-ended, context.DeadlineExceeded)
	require.ErrorIs(t, cause, context.DeadlineExceeded)
	require.ErrorContains(t, cause, "gc: timeout of 1m0s")
	s := stats(t, g, "a")
	require.Equal(t, [4]uint64{1, 1, 1, 0}, [4]uint64{s.Runs, s.Errors, s.Timeouts, s.Canceled})
}

// A timeout that a run ignores is counted at once. No other run overlaps that run, and its error is
// returned together with the cause.
func TestRunThatIgnoresItsTimeout(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		broken := errors.New("broken")
		d := newDiary()
		task := gc.Task{ID: "a", Interval: time.Second, Timeout: 500 * time.Millisecond}
		task.Run = func(ctx context.Context) error {
			_ = d.taking(2500 * time.Millisecond)(ctx)
			return broken
		}
		require.NoError(t, g.Add(task))
		stop := start(t, g)
		joined := make(chan error, 1)
		time.Sleep(1200 * time.Millisecond)
		go func() { joined <- g.RunNow(t.Context(), "a") }()
		time.Sleep(400 * time.Millisecond)
		require.EqualValues(t, 1, stats(t, g, "a").Timeouts)
		require.Zero(t, stats(t, g, "a").Runs)

		err := <-joined
		require.ErrorIs(t, err, broken)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(time.Second)
		require.Equal(t, []float64{1, 4}, d.seconds())
		require.NoError(t, stop())
	})
}

func TestRunInTimeIsNoTimeout(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		var past context.Context
		task := gc.Task{ID: "a", Interval: time.Second, Timeout: time.Second, Run: func(ctx context.Context) error {
			past = ctx
			time.Sleep(time.Second - 1)
			return ctx.Err()
		}}
		require.NoError(t, g.Add(task))
		require.NoError(t, g.RunNow(t.Context(), "a"))
		require.ErrorIs(t, past.Err(), context.Canceled, "a run's context ends with it")
		require.Zero(t, stats(t, g, "a").Timeouts)
	})
}

// A failed run affects no other run, of this task or of others.
func TestFailuresStayWhereTheyAre(t *testing.T) {
	boom := errors.New("boom")
	for name, test := range map[string]struct {
		run  func(context.Context) error
		want error
		says string
		s    gc.TaskStats
	}{
		"error":       {func(context.Context) error { return boom }, boom, "failed", gc.TaskStats{Errors: 4}},
		"panic":       {func(context.Context) error { panic("ouch") }, gc.ErrPanic, "ouch", gc.TaskStats{Panics: 4}},
		"panic error": {func(context.Context) error { panic(boom) }, boom, "panicked", gc.TaskStats{Panics: 4}},
		"panic nil":   {func(context.Context) error { panic(nil) }, gc.ErrPanic, "panicked", gc.TaskStats{Panics: 4}},
		"Goexit":      {func(context.Context) error { runtime.Goexit(); return nil }, gc.ErrPanic, "Goexit", gc.TaskStats{Panics: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log logbook
				g := newGC(t, gc.Config{Logger: log.logger()})
				add(t, g, "bad", test.run)
				add(t, g, "good", nothing)
				stop := start(t, g)
				time.Sleep(3500 * time.Millisecond)
				require.ErrorIs(t, g.RunNow(t.Context(), "bad"), test.want)
				require.NoError(t, stop())

				require.EqualValues(t, 3, stats(t, g, "good").Runs)
				s := stats(t, g, "bad")
				require.EqualValues(t, 4, s.Runs)
				require.Equal(t, [2]uint64{test.s.Errors, test.s.Panics}, [2]uint64{s.Errors, s.Panics})
				require.Contains(t, log.String(), "level=ERROR")
				require.Contains(t, log.String(), "task=bad")
				require.Contains(t, log.String(), test.says)
				require.NotContains(t, log.String(), "task=good")
			})
		})
	}
}

func TestRunNowHearsOfATaskThatExits(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		add(t, g, "a", func(context.Context) error { runtime.Goexit(); return nil })
		require.ErrorIs(t, g.RunNow(t.Context(), "a"), gc.ErrPanic)
	})
}

func TestPanicIsLoggedWithItsStack(t *testing.T) {
	var log logbook
	g := newGC(t, gc.Config{Logger: log.logger()})
	add(t, g, "a", func(context.Context) error { return panicHere() })
	require.ErrorIs(t, g.RunNow(t.Context(), "a"), gc.ErrPanic)
	require.Contains(t, log.String(), "panicHere")
}

func panicHere() error { panic("here") }

func TestLogOfTimeoutAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		g := newGC(t, gc.Config{Logger: log.logger()})
		require.NoError(t, g.Add(gc.Task{ID: "slow", Interval: time.Second, Timeout: time.Second, Run: untilTold}))
		require.NoError(t, g.Add(gc.Task{ID: "calm", Interval: 2 * time.Second, Run: untilTold}))
		stop := start(t, g)
		time.Sleep(2500 * time.Millisecond)
		require.NoError(t, stop())

		require.Contains(t, log.String(), `level=WARN msg="gc: task timed out" task=slow timeout=1s`)
		require.Contains(t, log.String(), `level=ERROR msg="gc: task failed" task=slow`)
		require.Contains(t, log.String(), `level=DEBUG msg="gc: task canceled" task=calm`)
	})
}

// A logbook collects the lines of a logger.
type logbook struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

var _ io.Writer = (*logbook)(nil)

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

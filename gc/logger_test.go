package gc_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/gc"
)

// A handler calls a function of the test for each line.
type handler func(slog.Record) error

func (h handler) Enabled(context.Context, slog.Level) bool      { return true }
func (h handler) Handle(_ context.Context, r slog.Record) error { return h(r) }
func (h handler) WithAttrs([]slog.Attr) slog.Handler            { return h }
func (h handler) WithGroup(string) slog.Handler                 { return h }
func logsTo(handle func(slog.Record) error) gc.Config {
	return gc.Config{Logger: slog.New(handler(handle))}
}

var errBad = errors.New("bad")

func bad(context.Context) error { return errBad }

// The logger blocks at its first line, and for good: all tasks go on, RunNow returns, and Run ends.
func TestLoggerThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		g := newGC(t, logsTo(func(slog.Record) error { <-free; return nil }))
		add(t, g, "bad", bad)
		add(t, g, "slow", func(context.Context) error { time.Sleep(2500 * time.Millisecond); return nil })
		add(t, g, "good", nothing)
		require.NoError(t, g.Add(gc.Task{ID: "late", Interval: time.Second, Timeout: 100 * time.Millisecond, Run: untilTold}))
		begun := time.Now()
		stop := start(t, g)
		time.Sleep(3600 * time.Second)
		require.ErrorIs(t, g.RunNow(t.Context(), "bad"), errBad)
		require.Equal(t, time.Hour, time.Since(begun), "RunNow didn't wait")
		time.Sleep(500 * time.Millisecond)
		for id, runs := range map[string]uint64{"bad": 3600, "good": 3600, "late": 3600, "slow": 1200} {
			require.InDelta(t, runs, stats(t, g, id).Runs, 1, id)
		}
		asked := time.Now()
		require.NoError(t, stop())
		require.LessOrEqual(t, time.Since(asked), 3*time.Second, "the rest of a run, and what the logger is given")
		close(free)
	})
}

// Without Run a caller waits for the line of its run, but not for a logger that blocks.
func TestRunNowWithALoggerThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		g := newGC(t, logsTo(func(slog.Record) error { <-free; return nil }))
		add(t, g, "bad", bad)
		begun := time.Now()
		for range 10 {
			require.ErrorIs(t, g.RunNow(t.Context(), "bad"), errBad)
		}
		require.LessOrEqual(t, time.Since(begun), 10*time.Second)
		require.EqualValues(t, 10, stats(t, g, "bad").Runs)
		close(free)
	})
}

// The tasks go on whatever a logger does.
func TestLoggerThatFails(t *testing.T) {
	for name, handle := range map[string]func(*gc.GC) error{
		"panic":  func(*gc.GC) error { panic("the logger's") },
		"Goexit": func(*gc.GC) error { runtime.Goexit(); return nil },
		"error":  func(*gc.GC) error { return errBad },
		"calls":  func(g *gc.GC) error { g.Stats("bad"); g.Tasks(); return g.RunNow(context.Background(), "good") },
		"cycle":  func(g *gc.GC) error { return g.RunNow(context.Background(), "bad") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g *gc.GC
				lines := 0
				g = newGC(t, logsTo(func(slog.Record) error {
					if lines++; lines%2 == 0 {
						return nil // or a line that makes a line does so for ever
					}
					return handle(g)
				}))
				add(t, g, "good", nothing)
				add(t, g, "bad", bad)
				require.NoError(t, g.Add(gc.Task{ID: "late", Interval: time.Second, Timeout: 1500 * time.Millisecond,
					Run: func(ctx context.Context) error { time.Sleep(1800 * time.Millisecond); return nil }}))
				require.ErrorIs(t, g.RunNow(t.Context(), "bad"), errBad)
				stop := start(t, g)
				time.Sleep(10500 * time.Millisecond)
				require.GreaterOrEqual(t, stats(t, g, "bad").Runs, uint64(11))
				require.GreaterOrEqual(t, stats(t, g, "good").Runs, uint64(10))
				require.EqualValues(t, 4, stats(t, g, "late").Runs, "of 1, 3, 5, 7 s; that of 9 s is in flight")
				require.NoError(t, stop())
				time.Sleep(3 * time.Second) // a line may be left behind, and its call of RunNow waits for another second
				require.Greater(t, lines, 11)
			})
		})
	}
}

// The lines of a run are written when RunNow returns, and those of all runs when Run returns.
func TestLinesAreWrittenBeforeTheCallReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book logbook
		g := newGC(t, gc.Config{Logger: book.logger()})
		require.NoError(t, g.Add(gc.Task{ID: "bad", Interval: 20 * time.Second, Run: bad})) // so each failure has a line
		require.ErrorIs(t, g.RunNow(t.Context(), "bad"), errBad)
		require.Equal(t, 1, strings.Count(book.String(), "task failed"))
		stop := start(t, g)
		time.Sleep(200 * time.Second)
		require.NoError(t, stop())
		require.EqualValues(t, stats(t, g, "bad").Runs, strings.Count(book.String(), "task failed"))
	})
}

// A task that fails a hundred times a second soon logs a line every 10 s, and each failure is in
// one. The lines of another task are not summarised with them.
func TestAFloodOfFailuresIsSummarised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines, told := map[string]int{}, map[string]int{}
		g := newGC(t, logsTo(func(r slog.Record) error {
			n, task := 1, ""
			r.Attrs(func(a slog.Attr) bool {
				switch a.Key {
				case "more":
					n += int(a.Value.Uint64())
				case "task":
					task = a.Value.String()
				}
				return true
			})
			lines[task]++
			told[task] += n
			return nil
		}))
		add(t, g, "seldom", bad)
		require.NoError(t, g.Add(gc.Task{ID: "often", Interval: 10 * time.Millisecond, Run: bad}))
		stop := start(t, g)
		time.Sleep(time.Minute + 5*time.Millisecond)
		require.NoError(t, stop())
		require.EqualValues(t, stats(t, g, "often").Errors, told["often"])
		require.Equal(t, 10, lines["often"], "at 0, 1, 3, 7, 15, ... 55 s, and at the end")
		require.Equal(t, [2]int{10, 60}, [2]int{lines["seldom"], told["seldom"]})

		for range 1000 {
			require.Error(t, g.RunNow(t.Context(), "often"))
			time.Sleep(10 * time.Millisecond)
		}
		require.InDelta(t, 11, lines["often"], 1, "without Run too")
		time.Sleep(10 * time.Second)
		require.Error(t, g.RunNow(t.Context(), "often"))
		require.EqualValues(t, stats(t, g, "often").Errors, told["often"])
	})
}

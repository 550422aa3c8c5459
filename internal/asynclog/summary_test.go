package asynclog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/internal/asynclog"
)

// A hand is a clock that is set by hand.
type hand struct{ at time.Duration }

func (h *hand) now() int64 { return int64(h.at) }

func TestLinesOfOneKindAreSummarised(t *testing.T) {
	var p page
	var at hand
	l := asynclog.New(slog.New(p.handler()), at.now, nothing)
	log := l.Logger("")
	for i := range 1000 {
		log.Info("bad", "i", i)
	}
	log.Info("worse", "i", 0)
	l.Flush()
	require.Equal(t, []string{"bad i=0", "worse i=0"}, p.lines(), "the first of each kind comes at once")

	at.at = time.Second - 1
	log.Info("bad", "i", 1000)
	l.Flush()
	require.Len(t, p.lines(), 2)

	at.at = time.Second
	log.Info("bad", "i", 1001)
	l.Flush()
	require.Equal(t, "bad i=1001 more=1000", p.lines()[2])

	for i := range 5 {
		log.Info("bad", "i", i)
	}
	at.at = 3*time.Second - 1
	l.Flush()
	require.Len(t, p.lines(), 3, "the second pause is longer")
	at.at = 3 * time.Second
	l.Flush()
	require.Equal(t, "bad i=4 more=4", p.lines()[3], "the latest one, though no more follow")

	log.Info("bad", "i", 9)
	l.Flush()
	require.Len(t, p.lines(), 4)
	l.Summarize()
	l.Flush()
	require.Equal(t, []string{"bad i=9"}, p.lines()[4:], "nothing more is told twice")
	at.at = time.Hour
	l.Flush()
	require.Len(t, p.lines(), 5)
	require.Zero(t, l.Lost())
}

// Due says when Tick has something to tell, and wake that it is earlier than before.
func TestDue(t *testing.T) {
	var p page
	var at hand
	woken := 0
	l := asynclog.New(slog.New(p.handler()), at.now, func() { woken++ })
	log := l.Logger("")
	require.Equal(t, int64(math.MaxInt64), l.Due())
	log.Info("a")
	require.Equal(t, int64(math.MaxInt64), l.Due(), "nothing was left out")
	at.at = 300 * time.Millisecond
	log.Info("a")
	log.Info("a")
	log.Info("b")
	require.EqualValues(t, time.Second, l.Due())
	log.Info("b")
	require.EqualValues(t, time.Second, l.Due())
	require.Equal(t, 2, woken, "once for each kind")
	at.at = time.Duration(l.Due())
	l.Flush()
	require.Equal(t, []string{"a", "b", "a more=1"}, p.lines())
	require.EqualValues(t, 1300*time.Millisecond, l.Due())
	at.at = time.Duration(l.Due())
	l.Flush()
	require.Len(t, p.lines(), 4)
	require.Equal(t, int64(math.MaxInt64), l.Due())
}

// Settle tells of one kind within its pause, and of no other.
func TestSettle(t *testing.T) {
	var p page
	var at hand
	l := asynclog.New(slog.New(p.handler()), at.now, nothing)
	for range 3 {
		l.Logger("").Info("a")
		l.Logger("").Info("b")
	}
	l.Settle("", "a")
	l.Settle("", "a")
	l.Settle("", "c")
	l.Logger("").Info("over")
	l.Flush()
	require.Equal(t, []string{"a", "b", "a more=1", "over"}, p.lines())
}

// Each line of Direct is queued, whatever its message.
func TestDirectSummarisesNothing(t *testing.T) {
	var p page
	var at hand
	l := asynclog.New(slog.New(p.handler()), at.now, nothing)
	for i := range 3 {
		l.Direct().Info("sum", "i", i)
	}
	l.Logger("").Info("sum", "i", 3)
	l.Flush()
	require.Equal(t, []string{"sum i=0", "sum i=1", "sum i=2", "sum i=3"}, p.lines())
}

// The subject tells lines of one message apart, and a group has the number too.
func TestKindsHaveASubject(t *testing.T) {
	var p page
	var at hand
	l := asynclog.New(slog.New(p.handler()), at.now, nothing)
	for range 3 {
		for _, task := range []string{"a", "b"} {
			l.Logger(task).WithGroup("g").Info("bad", "task", task)
		}
	}
	l.Summarize()
	l.Flush()
	require.Equal(t, []string{"bad g.task=a", "bad g.task=b", "bad g.task=a g.more=1", "bad g.task=b g.more=1"}, p.lines())
}

// A clock that goes back silences no line.
func TestAClockThatGoesBack(t *testing.T) {
	var p page
	at := hand{time.Hour}
	l := asynclog.New(slog.New(p.handler()), at.now, nothing)
	l.Logger("").Info("a")
	at.at = time.Minute
	l.Logger("").Info("a")
	l.Flush()
	require.Len(t, p.lines(), 2)
}

// A tally counts lines, and the lines that they stand for, by message.
type tally struct {
	slog.Handler
	lines, all map[string]int
	at         map[string][]int64
	now        func() int64
	fail       bool
}

func newTally(now func() int64) *tally {
	return &tally{Handler: slog.DiscardHandler, lines: map[string]int{}, all: map[string]int{}, at: map[string][]int64{}, now: now}
}

func (t *tally) Enabled(context.Context, slog.Level) bool { return true }

func (t *tally) Handle(_ context.Context, r slog.Record) error {
	if t.fail {
		return errors.New("no")
	}
	t.lines[r.Message]++
	t.all[r.Message]++
	t.at[r.Message] = append(t.at[r.Message], t.now())
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "more" {
			t.all[r.Message] += int(a.Value.Uint64())
		}
		return true
	})
	return nil
}

func (t *tally) sum() (n int) {
	for _, all := range t.all {
		n += all
	}
	return n
}

// Whatever the order of calls: lines + more are the calls, by kind, and two lines of a kind are a
// second apart. With a handler that fails, lines + more + lost are the calls.
func TestLinesAndMoreAreTheCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var at hand
		to := newTally(at.now)
		l := asynclog.New(slog.New(to), at.now, nothing)
		failing := rapid.Bool().Draw(t, "failing")
		calls, total := map[string]int{}, 0
		t.Repeat(map[string]func(*rapid.T){
			"log": func(t *rapid.T) {
				message := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "message")
				l.Logger("").Info(message)
				calls[message]++
				total++
			},
			"wait": func(t *rapid.T) { at.at += time.Duration(rapid.Int64Range(0, 15e8).Draw(t, "ns")) },
			"tick": func(*rapid.T) { l.Tick() },
			"flush": func(t *rapid.T) {
				to.fail = failing && rapid.Bool().Draw(t, "fail")
				l.Flush()
			},
		})
		l.Flush()
		for _, times := range to.at {
			for i := 1; i < len(times); i++ {
				require.GreaterOrEqual(t, times[i], times[i-1], "in order")
			}
		}
		l.Summarize()
		l.Flush()
		require.Equal(t, total, to.sum()+int(l.Lost()))
		if !failing {
			require.Zero(t, l.Lost())
			for message, n := range calls {
				require.Equal(t, n, to.all[message])
				require.LessOrEqual(t, to.lines[message], int(at.at/time.Second)+2)
			}
		}
	})
}

// Messages without end take bounded memory, and no line is lost.
func TestKindsAreBounded(t *testing.T) {
	var at hand
	to := newTally(at.now)
	l := asynclog.New(slog.New(to), at.now, nothing)
	for i := range 20_000 {
		l.Logger("").Info(strconv.Itoa(i))
		if i%500 == 0 {
			l.Flush()
		}
	}
	l.Summarize()
	l.Flush()
	require.Equal(t, 20_000, to.sum()+int(l.Lost()))
	require.Zero(t, l.Lost())
	require.LessOrEqual(t, len(to.lines), 1026)
	at.at = time.Minute
	l.Logger("").Info("x")
	l.Flush()
	require.Equal(t, 1, to.lines["x"], "the kinds are forgotten")
}

// A handler is slower than lines come. What finds no room is told of, as other lines are.
func TestLossesAreToldInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p page
		begun := time.Now()
		slow := hook{p.handler(), func(slog.Record) { time.Sleep(10 * time.Millisecond) }}
		l := asynclog.New(slog.New(slow), func() int64 { return int64(time.Since(begun)) }, nothing)
		l.Start()
		for i := range 5000 {
			l.Logger(strconv.Itoa(i)).Info("a")
			time.Sleep(2 * time.Millisecond)
		}
		l.Summarize()
		time.Sleep(time.Minute)
		l.Tick()
		l.Stop()
		told, lost := 0, 0
		for _, line := range p.lines() {
			var n int
			if _, err := fmt.Sscanf(line, `"log lines were lost: the handler is too slow" lines=%d`, &n); err == nil {
				told++
				lost += n
			}
		}
		require.Positive(t, lost)
		require.EqualValues(t, l.Lost(), lost)
		require.LessOrEqual(t, told, 12)
		require.Len(t, p.lines(), 5000-lost+told)
	})
}

// Flush waits a second for a handler that blocks, once. The other lines follow when it returns.
func TestFlushWaitsOnceForAHandlerThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p page
		open := make(chan struct{})
		l := asynclog.New(slog.New(hook{p.handler(), func(slog.Record) { <-open }}), apart(), nothing)
		begun := time.Now()
		l.Flush()
		require.Zero(t, time.Since(begun), "there are no lines")
		for range 10 {
			l.Logger("").Info("a")
			l.Flush()
		}
		require.Equal(t, time.Second, time.Since(begun))
		l.Start()
		l.Stop()
		require.Equal(t, time.Second, time.Since(begun), "Stop does not wait for that line either")
		close(open)
		synctest.Wait()
		l.Flush()
		require.Len(t, p.lines(), 10)
		require.Zero(t, l.Lost())
	})
}

// A slow handler gets all lines, on one goroutine, and Flush waits a second for it.
func TestFlushWithASlowHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p page
		l := asynclog.New(slog.New(hook{p.handler(), func(slog.Record) { time.Sleep(100 * time.Millisecond) }}), apart(), nothing)
		for range 30 {
			l.Logger("").Info("a")
		}
		begun := time.Now()
		l.Flush()
		require.Equal(t, time.Second, time.Since(begun))
		l.Flush()
		require.Equal(t, time.Second, time.Since(begun))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(t, p.lines(), 30)
	})
}

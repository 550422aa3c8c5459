package eventlog_test

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/eventlog"
)

func TestStartWritesAtOnceWhenKicked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out safeBuffer
		l := newLog(out.Write)
		stop := l.Start()
		add(l, "a")
		synctest.Wait()
		require.Empty(t, out.String())
		l.Kick()
		synctest.Wait()
		require.Equal(t, header+"a at=7;\n", out.String())
		add(l, "b")
		stop()
		require.Equal(t, header+"a at=7;\nb at=7;\n", out.String(), "stop writes what is left")
	})
}

// A writer that ends its goroutine, or fails otherwise, does not end the writing.
func TestStartSurvivesFailures(t *testing.T) {
	for name, how := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out safeBuffer
				fail := true
				l := newLog(func(b []byte) (int, error) {
					if fail {
						return how.fail(0)
					}
					return out.Write(b)
				})
				stop := l.Start()
				for i := range uint64(3) {
					add(l, "a")
					l.Kick()
					synctest.Wait()
					require.Equal(t, i+1, l.Stats().Failures)
				}
				fail = false
				add(l, "b")
				l.Kick()
				synctest.Wait()
				require.Equal(t, header+"\nlost at=7 records=3;\nb at=7;\n", out.String())
				fail = true
				add(l, "c")
				stop()
				requireStats(t, l, 1, 4, 4)
			})
		})
	}
}

// A Flush that is still writing delays neither Start nor records, and stop writes what came
// meanwhile.
func TestFlushOutlastsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out safeBuffer
		free := make(chan struct{})
		l := newLog(func(b []byte) (int, error) { <-free; return out.Write(b) })
		add(l, "a")
		go l.Flush()
		synctest.Wait()
		l.Flush() // returns at once
		stop := l.Start()
		add(l, "b")
		go func() { time.Sleep(time.Second - 1); close(free) }()
		stop()
		require.Equal(t, header+"a at=7;\nb at=7;\n", out.String())
	})
}

// stop leaves a Write that hangs behind after the grace period, and so does the stop after the next
// Start. Nothing is lost when the Write returns after all.
func TestStopLeavesAWriteThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out safeBuffer
		var reported reports
		free := make(chan struct{})
		l := eventlog.New(config(func(b []byte) (int, error) { <-free; return out.Write(b) }, &reported))
		for i := range 2 {
			stop := l.Start()
			add(l, "a")
			l.Kick()
			begun := time.Now()
			stop()
			require.Equal(t, time.Second, time.Since(begun))
			require.Equal(t, i+1, reported.hung)
		}
		close(free)
		synctest.Wait()
		require.Equal(t, header+"a at=7;\na at=7;\n", out.String())
		requireStats(t, l, 2, 0, 0)
	})
}

// stop returns although the writer is slower than the events, or makes records itself.
func TestStopEndsThoughRecordsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l *eventlog.Log
		l = newLog(func(b []byte) (int, error) {
			time.Sleep(20 * time.Millisecond)
			add(l, "more")
			l.Kick()
			return len(b), nil
		})
		stop := l.Start()
		add(l, "a")
		l.Kick()
		time.Sleep(time.Minute)
		begun := time.Now()
		stop()
		require.Less(t, time.Since(begun), time.Second)
	})
}

// Records, Flushes, Starts and counts from many goroutines, on a writer that fails now and then:
// each record is written once or counted as lost.
func TestConcurrentUse(t *testing.T) {
	const goroutines, each = 8, 500
	var out safeBuffer
	var writes int // one Write at a time, so it needs no lock
	c := config(func(b []byte) (int, error) {
		switch writes++; writes % 8 {
		case 0:
			return 0, errors.New("no")
		case 4:
			runtime.Goexit()
		}
		return out.Write(b)
	}, &reports{})
	c.Buffer = 2000
	c.Failed = func(uint64, error) {}
	l := eventlog.New(c)
	stop := l.Start()
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range each {
				r := l.Begin("k", int64(i))
				r.Text("id", "a")
				r.End()
				l.Kick()
				if i%50 == 0 {
					onGoroutine(l.Flush)
					_ = l.Stats()
				}
			}
		})
	}
	wg.Wait()
	stop()
	onGoroutine(l.Flush)
	s := l.Stats()
	require.EqualValues(t, goroutines*each, s.Records+s.Lost)
	require.EqualValues(t, s.Records, strings.Count(out.String(), "\nk at="))
	for line := range strings.Lines(strings.TrimPrefix(out.String(), header)) {
		require.Regexp(t, `^$|^(k at=\d+ id="a"|lost at=\d+ records=\d+);$`, strings.TrimSuffix(line, "\n"))
	}
}

package asynclog_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/asynclog"
)

// A page collects the output of a text handler.
type page struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// lines returns the written lines, without times and levels.
func (p *page) lines() (list []string) {
	for line := range strings.Lines(p.String()) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), "msg=")
		list = append(list, line)
	}
	return list
}

func (p *page) handler() slog.Handler { return slog.NewTextHandler(p, nil) }

func nothing() {}

// apart returns a clock whose readings are so far apart that no line is summarised.
func apart() func() int64 {
	var now atomic.Int64
	return func() int64 { return now.Add(int64(time.Minute)) }
}

// A hook is called before each line.
type hook struct {
	slog.Handler
	before func(slog.Record)
}

func (h hook) Handle(ctx context.Context, r slog.Record) error {
	h.before(r)
	return h.Handler.Handle(ctx, r)
}

func TestFlushWritesInOrder(t *testing.T) {
	var p page
	l := asynclog.New(slog.New(p.handler()), apart(), nothing)
	log := l.Logger("")
	log.Info("a", "k", 1)
	log.Debug("not wanted")
	log.With("x", 2).WithGroup("g").With("y", 3).Info("b", "z", 4)
	require.Empty(t, p.lines(), "nothing is written before")
	l.Flush()
	require.Equal(t, []string{"a k=1", "b x=2 g.y=3 g.z=4"}, p.lines())
	require.Zero(t, l.Lost())
}

func TestWithoutALoggerNothingIsKept(t *testing.T) {
	l := asynclog.New(nil, apart(), nothing)
	l.Start()
	l.Logger("").Error("a")
	l.Flush()
	l.Stop()
	require.Zero(t, l.Lost())
}

func TestStopWaitsForWhatWasLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p page
		l := asynclog.New(slog.New(hook{p.handler(), func(slog.Record) { time.Sleep(time.Millisecond) }}), apart(), nothing)
		l.Logger("").Info("before")
		l.Start()
		l.Start()
		for range 100 {
			l.Logger("").Info("a")
		}
		l.Stop()
		l.Logger("").Info("b")
		l.Stop()
		require.Len(t, p.lines(), 102)
		l.Logger("").Info("after")
		synctest.Wait()
		require.Len(t, p.lines(), 102, "no goroutine is there")
	})
}

// A handler that blocks stops nothing. Lines that it could not take are counted and reported.
func TestAHandlerThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p page
		open := make(chan struct{})
		l := asynclog.New(slog.New(hook{p.handler(), func(slog.Record) { <-open }}), apart(), nothing)
		l.Start()
		for range 1500 {
			l.Logger("").Info("a")
			synctest.Wait() // the first line is in the handler
		}
		require.EqualValues(t, 1500-1025, l.Lost())
		l.Flush() // leaves it to the goroutine
		begun := time.Now()
		l.Stop()
		require.Equal(t, time.Second, time.Since(begun))
		l.Start()
		l.Stop()
		require.Equal(t, time.Second, time.Since(begun), "it has been given up")
		close(open)
		synctest.Wait()
		require.Len(t, p.lines(), 1, "the goroutine has ended")
		l.Flush()
		l.Flush() // the line about lost ones was one more
		require.Len(t, p.lines(), 1026)
		require.Equal(t, `"log lines were lost: the handler is too slow" lines=475`, p.lines()[1])
	})
}

// A handler that panics, or ends its goroutine, loses one line.
func TestAHandlerThatFails(t *testing.T) {
	for name, fail := range map[string]func(){
		"panics": func() { panic("ouch") },
		"exits":  runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			var p page
			l := asynclog.New(slog.New(hook{p.handler(), func(r slog.Record) {
				if r.Message == "bad" {
					fail()
				}
			}}), apart(), nothing)
			l.Start()
			for range 3 {
				l.Logger("").Info("bad")
				l.Logger("").Info("good")
			}
			l.Stop()
			require.Equal(t, []string{"good", "good", "good"}, p.lines())
			require.EqualValues(t, 3, l.Lost())
		})
	}
}

type failing struct{ slog.Handler }

func (failing) Handle(context.Context, slog.Record) error { return errors.New("no space left") }

func TestALineThatIsNotWrittenIsLost(t *testing.T) {
	l := asynclog.New(slog.New(failing{slog.NewTextHandler(&page{}, nil)}), apart(), nothing)
	l.Logger("").Info("a")
	l.Flush()
	require.EqualValues(t, 1, l.Lost())
}

// Flush ends although the handler logs a new line for each line, and a handler that calls Flush
// does not nest.
func TestAHandlerThatLogs(t *testing.T) {
	var p page
	var l *asynclog.Log
	l = asynclog.New(slog.New(hook{p.handler(), func(slog.Record) {
		l.Logger("").Info("again")
		l.Flush()
	}}), func() int64 { return 0 }, nothing)
	l.Logger("").Info("a")
	l.Flush()
	l.Flush()
	require.Equal(t, []string{"a", "again"}, p.lines())
}

// Lines of many goroutines, with starts, stops and flushes in between: each is written once.
func TestStorm(t *testing.T) {
	var p page
	l := asynclog.New(slog.New(p.handler()), apart(), nothing)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				l.Start()
				l.Logger("").Info("a")
				l.Flush()
				l.Stop()
			}
		})
	}
	wg.Wait()
	l.Flush()
	require.Len(t, p.lines(), 800)
	require.Zero(t, l.Lost())
}

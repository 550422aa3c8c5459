package eventlog_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/eventlog"
)

// failures are the ways in which a Write can fail.
var failures = map[string]struct {
	fail func(written int) (int, error)
	says string
}{
	"error":       {func(int) (int, error) { return 0, errors.New("no space left") }, "no space left"},
	"short":       {func(n int) (int, error) { return n, nil }, io.ErrShortWrite.Error()},
	"panic":       {func(int) (int, error) { panic("on purpose") }, "the writer panicked: on purpose\ngoroutine "},
	"Goexit":      {func(int) (int, error) { runtime.Goexit(); return 0, nil }, "the writer ended its goroutine"},
	"unprintable": {func(int) (int, error) { panic(unprintable{}) }, "the writer ended its goroutine"},
	"nothing":     {func(int) (int, error) { panic(nil) }, "the writer panicked: panic called with nil"},
}

// unprintable ends the goroutine that prints it.
type unprintable struct{}

func (unprintable) String() string { runtime.Goexit(); return "" }

// The line after a Write that failed within a line begins on a line of its own, and says what was
// lost, whether it is recorded after the Write or during it.
func TestWriteFails(t *testing.T) {
	for name, how := range failures {
		for _, during := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				var out bytes.Buffer
				var reported reports
				var l *eventlog.Log
				writes := 0
				l = eventlog.New(config(func(b []byte) (int, error) {
					if writes++; writes != 2 {
						return out.Write(b)
					}
					if during {
						add(l, "c")
					}
					n, _ := out.Write(b[:len(b)-3])
					return how.fail(n)
				}, &reported))
				add(l, "a")
				l.Flush()
				add(l, "b")
				onGoroutine(l.Flush)
				requireStats(t, l, 1, 1, 1)
				require.Equal(t, []uint64{1}, reported.failed)
				require.ErrorContains(t, reported.errs[0], how.says)
				want := "\nlost at=7 records=1;\nd at=7;\n"
				if during {
					want = "\nc at=7;\nlost at=7 records=1;\nd at=7;\n"
				}
				add(l, "d")
				l.Flush()
				require.Equal(t, header+"a at=7;\nb at="+want, out.String())
			})
		}
	}
}

// A log whose first Writes failed has its header all the same, once.
func TestHeaderIsWrittenByTheFirstWriteThatSucceeds(t *testing.T) {
	var out bytes.Buffer
	fail := true
	l := newLog(func(b []byte) (int, error) {
		if fail {
			return 0, errors.New("not mounted yet")
		}
		return out.Write(b)
	})
	for range 2 {
		add(l, "a")
		l.Flush()
	}
	fail = false
	for range 2 {
		add(l, "b")
		l.Flush()
	}
	require.Equal(t, header+"\nlost at=7 records=2;\nb at=7;\nb at=7;\n", out.String())
	requireStats(t, l, 2, 2, 2)
}

// A lost line that is itself in a Write that fails is repeated, with the sum.
func TestLostLineIsLost(t *testing.T) {
	var out bytes.Buffer
	writes := 0
	l := newLog(func(b []byte) (int, error) {
		if writes++; writes < 3 {
			return 0, errors.New("no")
		}
		return out.Write(b)
	})
	for range 3 {
		add(l, "a")
		add(l, "a")
		l.Flush()
	}
	require.Equal(t, header+"\nlost at=7 records=4;\na at=7;\na at=7;\n", out.String())
	requireStats(t, l, 2, 4, 2)
}

func TestNoRoom(t *testing.T) {
	var out bytes.Buffer
	c := config(out.Write, &reports{})
	c.Buffer = 10
	l := eventlog.New(c)
	for _, kind := range []string{"fits", "fits", "lost", "lost"} {
		r := l.Begin(kind, 7)
		r.Num("n", 1)
		r.NumIf("n", 1)
		r.Text("t", "x")
		r.End()
	}
	requireStats(t, l, 0, 3, 0)
	l.Flush()
	add(l, "b")
	l.Flush()
	require.Equal(t, header+"fits at=7 n=1 n=1 t=\"x\";\nlost at=7 records=3;\nb at=7;\n", out.String())
	requireStats(t, l, 2, 3, 0)
}

func TestDefaultBuffer(t *testing.T) {
	l := newLog(io.Discard.Write)
	mebibyte := strings.Repeat("x", 1<<20)
	for range 18 {
		r := l.Begin("k", 1)
		r.Text("id", mebibyte)
		r.End()
	}
	requireStats(t, l, 0, 2, 0)
	l.Flush()
	requireStats(t, l, 16, 2, 0)
}

// Failures are reported once a second, with all that was lost since, and counted each time.
func TestReportsOfFailures(t *testing.T) {
	var reported reports
	l := eventlog.New(config(func([]byte) (int, error) { return 0, errors.New("no") }, &reported))
	const second = 1_000_000_000
	for _, now := range []int64{5, 6, second + 4, second + 5, second + 6, 2*second + 5, 9 * second} {
		reported.now = now
		add(l, "a")
		l.Flush()
	}
	require.Equal(t, []uint64{1, 3, 2, 1}, reported.failed)
	requireStats(t, l, 0, 7, 7)
}

// A callback may record, flush and count, because no lock is held.
func TestCallbacksMayCallTheLog(t *testing.T) {
	var l *eventlog.Log
	touch := func() {
		add(l, "more")
		l.Kick()
		l.Flush()
		_ = l.Stats()
	}
	c := config(func(b []byte) (int, error) { touch(); return 0, errors.New("no") }, &reports{})
	c.Failed = func(uint64, error) { touch() }
	now := int64(0)
	c.Now = func() int64 { touch(); now += 1e9; return now }
	l = eventlog.New(c)
	add(l, "a")
	for i := range uint64(5) {
		l.Flush()
		require.Equal(t, i+1, l.Stats().Failures, "one Write a Flush")
	}
}

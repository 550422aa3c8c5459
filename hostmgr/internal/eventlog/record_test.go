package eventlog_test

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/eventlog"
)

func TestRecord(t *testing.T) {
	var out bytes.Buffer
	l := newLog(out.Write)
	r := l.Begin("left", math.MaxInt64)
	r.Text("id", "a b")
	r.Text("zone", "")
	r.Num("zero", 0)
	r.NumIf("none", 0)
	r.NumIf("least", math.MinInt64)
	r.End()
	add(l, "stall")
	l.Flush()
	require.Equal(t, header+
		`left at=9223372036854775807 id="a b" zero=0 least=-9223372036854775808;`+"\n"+
		"stall at=7;\n", out.String())
	requireStats(t, l, 2, 0, 0)
}

// Nothing is written before there is a record: the header alone says nothing.
func TestNoRecordNoWrite(t *testing.T) {
	l := newLog(func([]byte) (int, error) { panic("written") })
	l.Flush()
	l.Start()()
	requireStats(t, l, 0, 0, 0)
}

func TestNilLogDoesNothing(t *testing.T) {
	require.Nil(t, eventlog.New(eventlog.Config{}))
	var l *eventlog.Log
	r := l.Begin("left", 1)
	r.Num("n", 1)
	r.Text("id", "a")
	r.End()
	l.Kick()
	l.Flush()
	l.Start()()
	requireStats(t, l, 0, 0, 0)
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"a", `"`, `\`, "\n;", "\x7f", "\xff\x00", "é\u2028", "~ "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var out bytes.Buffer
		l := newLog(out.Write)
		r := l.Begin("k", 1)
		r.Text("id", s)
		r.End()
		l.Flush()
		line := strings.TrimPrefix(out.String(), header)
		want := "k at=1 id=" + strconv.QuoteToASCII(s) + ";\n"
		if s == "" {
			want = "k at=1;\n"
		}
		require.Equal(t, want, line)
	})
}

func record(l *eventlog.Log) {
	r := l.Begin("evicted", 1234567890)
	r.Text("id", "0123456789abcdef0123456789abcdef-10.1.2.3")
	r.Num("registration", 1764393000000000000)
	r.Num("interval", 1_000_000_000)
	r.NumIf("stalled", 0)
	r.Num("last-contact", 1234567890)
	r.End()
}

func TestRecordDoesNotAllocate(t *testing.T) {
	l := newLog(io.Discard.Write)
	many := func() {
		for range 100 {
			record(l)
		}
		l.Flush()
	}
	many() // writes the header
	require.Less(t, testing.AllocsPerRun(100, many), 10.0, "of 100 records")
}

func BenchmarkRecord(b *testing.B) {
	l := newLog(io.Discard.Write)
	for i := range b.N {
		record(l)
		if i%1000 == 0 {
			l.Flush()
		}
	}
}

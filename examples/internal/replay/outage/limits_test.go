package outage_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
)

// Files that unpack to a lot, all of which would be kept: long names, many outages, and what the
// log of a flight recorder is remembered by.
var greedy = map[string]struct {
	format string
	row    func(i int) string
}{
	"fta: names":      {"fta", func(i int) string { return row(fmt.Sprintf("%0100d", i), "1", "200", "260") }},
	"fta: outages":    {"fta", func(i int) string { return row("1", "0", fmt.Sprint(2*i), fmt.Sprint(2*i+1)) }},
	"lanl: names":     {"lanl", func(i int) string { return fmt.Sprintf("%0100d,1,1/1/2000 0:01,1/1/2000 0:02\n", i) }},
	"csv: names":      {"csv", func(i int) string { return fmt.Sprintf("%0100d,,\n", i) }},
	"hostlife: left":  {"hostlife", func(i int) string { return fmt.Sprintf("left at=9 id=\"%01000d\" interval=1 last-contact=1;\n", i) }},
	"hostlife: again": {"hostlife", func(i int) string { return fmt.Sprintf("left at=%d id=\"a\" interval=1 last-contact=1;\n", i+9) }},
	"hostlife: intervals": {"hostlife", func(i int) string {
		return fmt.Sprintf("joined at=9 id=\"a\" interval=%d;\n", i+10_000_000)
	}},
	"hostlife: evicted": {"hostlife", func(i int) string { return fmt.Sprintf("evicted at=9 id=\"%d\" interval=1 last-contact=1;\n", i) }},
	"hostlife: late": {"hostlife", func(i int) string {
		return fmt.Sprintf("late at=%d id=\"a\" interval=1 last-contact=%d;\n", 9*i+9, 9*i)
	}},
}

// What all that is kept takes together has a limit, and a trace beyond it is refused by its name.
func TestTheSumOfWhatIsKeptIsBounded(t *testing.T) {
	const memory = 1 << 20
	for name, x := range greedy {
		rows := &rowReader{row: func(i int) string { return head(x.format) + x.row(i) }, most: 20_000}
		s := outage.Source{Format: format(t, x.format), Limits: outage.DefaultLimits}
		s.Limits.Memory = memory
		trace, err := s.Read(t.Context(), rows)
		require.ErrorIs(t, err, outage.ErrTooLarge, name)
		require.ErrorContains(t, err, "the limit is 1 MB of memory", name)
		require.Nil(t, trace, name)
		require.Less(t, rows.i, rows.most, "%s: nothing is read any more", name)
	}
}

// head is what a file of this format may have before any row.
func head(format string) string {
	if format == "lanl" {
		return lanlHead
	}
	return ""
}

// A rowReader reads rows that are made as they are read.
type rowReader struct {
	row     func(i int) string
	i, most int
	left    string
}

func (r *rowReader) Read(p []byte) (int, error) {
	if r.left == "" {
		if r.i == r.most {
			return 0, io.EOF
		}
		r.left = r.row(r.i)
		r.i++
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// What is within the default limits is read, whatever it is: nothing real comes near them.
func TestTheDefaultLimitsAreFarAway(t *testing.T) {
	trace := outage.Model{Nodes: 5_000, Span: 60 * 24 * time.Hour, Seed: 1}.Generate()
	var b bytes.Buffer
	require.NoError(t, trace.WriteFTA(&b))
	require.Equal(t, trace.Outages(), read(t, "fta", b.Bytes()).Outages())
}

// A log may name moments and intervals that no trace has: they end no node, and set no pace.
func TestALogOfOtherCenturies(t *testing.T) {
	log := "begin at=0 version=2 start=4000000000000000000;\n" +
		"joined at=1 id=\"a\" interval=1;\n" +
		"joined at=2 id=\"b\" interval=4611686018427387903;\n" +
		"joined at=3 id=\"c\" interval=20000000000;\n" +
		"late at=4611686018427387903 id=\"a\" interval=4611686018427387903 last-contact=4611686018427387902;\n" +
		"unknown at=4611686018427387903;\n"
	trace := read(t, "hostlife", []byte(log))
	check(t, trace)
	require.Less(t, trace.Days(), 1.0)
	require.Equal(t, 20*time.Second, trace.Interval)
	require.Equal(t, notes{"absurd_time": 1}, trace.Notes.Named())
	require.Zero(t, trace.Outages())
}

// A name is written so that it stands in its column, and a terminal that shows the file obeys none of it.
func TestNamesAreWrittenEscaped(t *testing.T) {
	trace := read(t, "csv", []byte("a\tb\x1b[31m\u202e\xff,0,60\n"))
	var b strings.Builder
	require.NoError(t, trace.WriteFTA(&b))
	require.Contains(t, b.String(), `"a\tb\x1b[31m\u202e\xff"`)
}

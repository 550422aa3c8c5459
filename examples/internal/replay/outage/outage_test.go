package outage_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
)

type notes = map[string]int

// row is one of the Failure Trace Archive.
func row(node, kind, from, to string) string {
	return "0\t0\t" + node + "\t5\tname\t" + kind + "\t" + from + "\t" + to + "\tNULL\n"
}

const lanlHead = "System,nodenumz,Prob Started,Prob Fixed\n"

func TestRows(t *testing.T) {
	tests := map[string]struct {
		format, file string
		outages      [][2]int64 // seconds since the trace's start, of the first node
		skipped      int
		notes        notes
	}{
		"fta: down and up":      {"fta", "# head\n" + row("1", "1", "100", "200") + row("1", "0", "200", "260") + row("1", "1", "260", "400"), [][2]int64{{100, 160}}, 0, notes{}},
		"fta: no line feed":     {"fta", strings.TrimSuffix(row("1", "0", "200", "260"), "\n"), [][2]int64{{0, 60}}, 0, notes{}},
		"fta: a fraction":       {"fta", row("1", "0", "200", "260.5"), [][2]int64{{0, 60}}, 0, notes{}},
		"fta: overlap":          {"fta", row("1", "0", "200", "260") + row("1", "0", "210", "300"), [][2]int64{{0, 100}}, 0, notes{"overlap": 1}},
		"fta: one in another":   {"fta", row("1", "0", "200", "300") + row("1", "0", "210", "220"), [][2]int64{{0, 100}}, 0, notes{"overlap": 1}},
		"fta: twice":            {"fta", row("1", "0", "200", "260") + row("1", "0", "200", "260"), [][2]int64{{0, 60}}, 0, notes{"overlap": 1}},
		"fta: touching":         {"fta", row("1", "0", "200", "260") + row("1", "0", "260", "300"), [][2]int64{{0, 100}}, 0, notes{"touching": 1}},
		"fta: out of order":     {"fta", row("1", "0", "300", "360") + row("1", "0", "200", "260"), [][2]int64{{0, 60}, {100, 160}}, 0, notes{"out_of_order": 1}},
		"fta: zero length":      {"fta", row("1", "0", "200", "260") + row("1", "0", "300", "300"), [][2]int64{{0, 60}}, 1, notes{"zero_length": 1}},
		"fta: negative":         {"fta", row("1", "0", "200", "260") + row("1", "0", "300", "299"), [][2]int64{{0, 60}}, 1, notes{"negative": 1}},
		"fta: before 1970":      {"fta", row("1", "0", "200", "260") + row("1", "0", "-1", "299"), [][2]int64{{0, 60}}, 1, notes{"absurd_time": 1}},
		"fta: ends before 1970": {"fta", row("1", "0", "200", "260") + row("1", "0", "300", "-1"), [][2]int64{{0, 60}}, 1, notes{"absurd_time": 1}},
		"fta: after 2100":       {"fta", row("1", "0", "200", "260") + row("1", "0", "1", "4102444801"), [][2]int64{{0, 60}}, 1, notes{"absurd_time": 1}},
		"fta: beyond integers":  {"fta", row("1", "0", "200", "260") + row("1", "0", "1", "1"+strings.Repeat("0", 400)), [][2]int64{{0, 60}}, 1, notes{"absurd_time": 1}},
		"fta: 10 years long":    {"fta", row("1", "0", "200", "260") + row("1", "0", "300", "315360301"), [][2]int64{{0, 60}}, 1, notes{"absurd_time": 1}},
		"fta: words":            {"fta", row("1", "0", "200", "260") + row("1", "0", "x", "299") + row("1", "0", "1", "NaN") + row("1", "0", "Inf", "3"), [][2]int64{{0, 60}}, 3, notes{"malformed": 3}},
		"fta: few columns":      {"fta", row("1", "0", "200", "260") + "1\t2\t3\n", [][2]int64{{0, 60}}, 1, notes{"malformed": 1}},
		"fta: no node":          {"fta", row("1", "0", "200", "260") + row("", "0", "200", "260"), [][2]int64{{0, 60}}, 1, notes{"malformed": 1}},
		"fta: long name":        {"fta", row("1", "0", "200", "260") + row(strings.Repeat("n", 200), "0", "200", "260"), [][2]int64{{0, 60}}, 1, notes{"malformed": 1}},
		"fta: other state":      {"fta", row("1", "0", "200", "260") + row("1", "2", "300", "360"), [][2]int64{{0, 60}}, 1, notes{"unknown_state": 1}},
		"fta: binary":           {"fta", row("1", "0", "200", "260") + "\x00\x01\x02\n", [][2]int64{{0, 60}}, 1, notes{"binary": 1}},
		"fta: huge line":        {"fta", strings.Repeat("x", 200_000) + "\n" + row("1", "0", "200", "260") + strings.Repeat("y", 70_000), [][2]int64{{0, 60}}, 2, notes{"huge_line": 2}},

		"lanl":               {"lanl", lanlHead + "3,0,9/26/2003 16:40,9/27/2003 14:30\n", [][2]int64{{0, 78_600}}, 0, notes{}},
		"lanl: not fixed":    {"lanl", lanlHead + "3,0,9/26/2003 16:40,9/27/2003 14:30\n3,0,9/26/2003 16:40,\n", [][2]int64{{0, 78_600}}, 1, notes{"no_end": 1}},
		"lanl: fixed before": {"lanl", lanlHead + "3,0,9/26/2003 16:40,9/27/2003 14:30\n3,0,9/26/2003 16:40,9/26/2003 16:39\n", [][2]int64{{0, 78_600}}, 1, notes{"negative": 1}},
		"lanl: no such day":  {"lanl", lanlHead + "3,0,9/26/2003 16:40,9/27/2003 14:30\n3,0,2/30/2003 16:40,9/26/2003 16:39\n", [][2]int64{{0, 78_600}}, 1, notes{"malformed": 1}},
		"lanl: before 1970":  {"lanl", lanlHead + "3,0,9/26/2003 16:40,9/27/2003 14:30\n3,0,2/3/1903 16:40,9/26/2003 16:39\n", [][2]int64{{0, 78_600}}, 1, notes{"absurd_time": 1}},
		"lanl: no node":      {"lanl", lanlHead + "3,0,9/26/2003 16:40,9/27/2003 14:30\n3,,9/26/2003 16:40,9/27/2003 14:30\n", [][2]int64{{0, 78_600}}, 1, notes{"malformed": 1}},
		"lanl: quotes":       {"lanl", "System,purpose,nodenumz,Prob Started,Prob Fixed\n3,\"a, b\",0,9/26/2003 16:40,9/26/2003 16:41\n", [][2]int64{{0, 60}}, 0, notes{}},

		"csv":             {"csv", "node,down,up\na,1000,1060\n", [][2]int64{{0, 60}}, 0, notes{}},
		"csv: no head":    {"csv", "a,1000,1060\r\n", [][2]int64{{0, 60}}, 0, notes{}},
		"csv: dates":      {"csv", "a,2001-09-09T01:46:40Z,2001-09-09T03:47:40+02:00\n", [][2]int64{{0, 60}}, 0, notes{}},
		"csv: not back":   {"csv", "a,1000,\nb,1100,1200\n", [][2]int64{{0, 200}}, 0, notes{}},
		"csv: down last":  {"csv", "a,1000,1100\na,1100,\n", [][2]int64{{0, 100}}, 0, notes{"zero_length": 1}},
		"csv: no outage":  {"csv", "a,,\nb,1100,1200\n", nil, 0, notes{}},
		"csv: two commas": {"csv", "a,1000,1060\na,1\na,1,2,3\n", [][2]int64{{0, 60}}, 2, notes{"malformed": 2}},
		"csv: words":      {"csv", "a,1000,1060\na,x,1060\na,1000,y\n", [][2]int64{{0, 60}}, 2, notes{"malformed": 2}},
		"csv: nameless":   {"csv", "a,1000,1060\n,1000,1060\n,,\n", [][2]int64{{0, 60}}, 2, notes{"malformed": 2}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			trace := read(t, test.format, []byte(test.file))
			require.Equal(t, test.notes, trace.Notes.Named())
			var got [][2]int64
			for _, o := range trace.Nodes[0].Outages {
				got = append(got, [2]int64{o.Down / 1e9, o.Up / 1e9})
			}
			require.Equal(t, test.outages, got)
			if test.notes["zero_length"] == 0 {
				require.Equal(t, test.skipped, trace.Notes.Skipped())
			}
			check(t, trace)
		})
	}
}

// check checks what holds of every trace.
func check(t testing.TB, trace *outage.Trace) {
	t.Helper()
	require.GreaterOrEqual(t, trace.End, int64(0))
	for _, n := range trace.Nodes {
		require.NotEmpty(t, n.Name)
		require.True(t, 0 <= n.From && n.From <= n.To && n.To <= trace.End, n)
		at := n.From - 1
		for _, o := range n.Outages {
			require.True(t, at < o.Down && o.Down < o.Up && o.Up <= n.To, n)
			at = o.Up
		}
	}
}

func TestNodesOfTheArchiveExistFromTheirFirstToTheirLastRow(t *testing.T) {
	trace := read(t, "fta", []byte(row("1", "1", "100", "200")+row("2", "0", "150", "400")+row("1", "0", "120", "130")))
	require.Len(t, trace.Nodes, 2)
	require.Equal(t, time.Unix(100, 0).UTC(), trace.Start)
	require.Equal(t, int64(300e9), trace.End)
	require.Equal(t, outage.Node{Name: "5/1", From: 0, To: 100e9, Outages: []outage.Outage{{Down: 20e9, Up: 30e9}}}, trace.Nodes[0])
	require.Equal(t, outage.Node{Name: "5/2", From: 50e9, To: 300e9, Outages: []outage.Outage{{Down: 50e9, Up: 300e9}}}, trace.Nodes[1])
}

func TestFilesThatAreNoTraces(t *testing.T) {
	for _, f := range outage.Formats {
		for _, file := range []string{"", "\n", "\x1f\x8b", "\x1f\x8b\x08\x00garbage", "\x00", "no such thing", strings.Repeat("\x00", 1<<17)} {
			trace := read(t, f.Name, []byte(file))
			require.Empty(t, trace.Nodes)
			check(t, trace)
		}
	}
}

func packed(t testing.TB, content io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.Copy(z, content)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestPacked(t *testing.T) {
	file := packed(t, strings.NewReader(row("1", "0", "200", "260")+strings.Repeat(row("1", "1", "260", "400"), 50_000)))
	require.Equal(t, read(t, "fta", file).Outages(), 1)

	broken := read(t, "fta", file[:len(file)-200])
	require.Equal(t, 1, broken.Outages())
	require.Equal(t, notes{"cut_off": 1}, broken.Notes.Named())

	file[len(file)-5] ^= 1 // the checksum
	require.Equal(t, notes{"cut_off": 1}, read(t, "fta", file).Notes.Named())
}

func TestLimits(t *testing.T) {
	limits := outage.Limits{Line: 1 << 12, Bytes: 1 << 20, Rows: 5, Nodes: 2}
	read := func(file []byte) *outage.Trace {
		s := outage.Source{Format: format(t, "fta"), Limits: limits}
		trace, err := s.Read(t.Context(), bytes.NewReader(file))
		require.NoError(t, err)
		return trace
	}
	many := strings.Repeat(row("1", "0", "200", "260"), 7) + row("2", "1", "200", "260") + row("3", "1", "200", "260")
	require.Equal(t, notes{"beyond_limit": 3, "overlap": 4}, read([]byte(many)).Notes.Named())

	bomb := packed(t, io.LimitReader(zeros{}, 1<<25))
	require.Less(t, len(bomb), 1<<19)
	require.Equal(t, notes{"huge_line": 1, "cut_off": 1}, read(bomb).Notes.Named())
}

// zeros are without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := outage.Source{Format: format(t, "fta")}
	_, err := s.Read(ctx, strings.NewReader(row("1", "0", "200", "260")))
	require.ErrorIs(t, err, context.Canceled)
}

func TestGenerated(t *testing.T) {
	m := outage.Model{Nodes: 300, Span: 30 * 24 * time.Hour, Seed: 1}
	trace := m.Generate()
	check(t, trace)
	require.Equal(t, trace, m.Generate())
	m.Seed = 2
	require.NotEqual(t, trace, m.Generate())
	m.Seed, m.Nodes = 1, 10
	require.Equal(t, trace.Nodes[:10], m.Generate().Nodes)
	require.InDelta(t, 14.3, float64(trace.Outages())/300, 1.5)

	restarts, long := 0, 0
	for _, n := range trace.Nodes {
		for _, o := range n.Outages {
			switch d := time.Duration(o.Up - o.Down); {
			case d >= 100*time.Second && d <= 300*time.Second:
				restarts++
			case d > 2*time.Hour:
				long++
			}
		}
	}
	require.InDelta(t, 0.63, float64(restarts)/float64(trace.Outages()), 0.05)
	require.InDelta(t, 0.15, float64(long)/float64(trace.Outages()), 0.03)
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	want := outage.Model{Nodes: 50, Span: 10 * 24 * time.Hour, Seed: 1}.Generate()
	var b bytes.Buffer
	require.NoError(t, want.WriteFTA(&b))
	got := read(t, "fta", b.Bytes())
	require.Empty(t, got.Notes.Named())
	for i := range got.Nodes {
		require.Equal(t, want.Nodes[i].Outages, got.Nodes[i].Outages)
		got.Nodes[i] = want.Nodes[i]
	}
	require.Equal(t, want, got)
}

func TestUnrounded(t *testing.T) {
	seconds := outage.Model{Nodes: 100, Span: 20 * 24 * time.Hour, Seed: 1}.Generate()
	minutes := read(t, "csv", []byte("a,0,60\na,120,180\nb,60,6000\nb,6060,\nc,1200,1260\n"))
	for unit, trace := range map[time.Duration]*outage.Trace{time.Second: seconds, time.Minute: minutes} {
		fresh := trace.Unrounded(1)
		check(t, fresh)
		require.Equal(t, fresh, trace.Unrounded(1))
		require.NotEqual(t, fresh, trace.Unrounded(2))
		for i, n := range trace.Nodes {
			require.Len(t, fresh.Nodes[i].Outages, len(n.Outages))
			for k, o := range n.Outages {
				f := fresh.Nodes[i].Outages[k]
				require.True(t, o.Down <= f.Down && f.Down < o.Down+int64(unit) && o.Up <= f.Up && f.Up < o.Up+int64(unit))
				require.Equal(t, o.Up == n.To, f.Up == n.To, "cut off by the end, or not")
				require.True(t, o.Down != n.From || f.Down == n.From, "down from the first moment")
			}
		}
	}
	exact := read(t, "csv", []byte("a,0,60.5\n"))
	require.Equal(t, exact, exact.Unrounded(1))
}

func TestFirst(t *testing.T) {
	trace := read(t, "csv", []byte("a,0,10\na,50,60\nb,5,\nc,100,200\n"))
	require.Equal(t, trace.Nodes, trace.First(0, 0).Nodes)
	cut := trace.First(2, 55*time.Second)
	check(t, cut)
	require.Equal(t, int64(55e9), cut.End)
	require.Equal(t, []outage.Node{
		{Name: "a", To: 55e9, Outages: []outage.Outage{{Up: 10e9}, {Down: 50e9, Up: 55e9}}},
		{Name: "b", To: 55e9, Outages: []outage.Outage{{Down: 5e9, Up: 55e9}}},
	}, cut.Nodes)
	require.Equal(t, int64(60e9), trace.Nodes[0].Outages[1].Up, "the trace itself is as it was")
}

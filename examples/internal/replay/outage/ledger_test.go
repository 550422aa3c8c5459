package outage_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
)

// The first rows of each kind are kept with their numbers, shortened and escaped.
func TestSamples(t *testing.T) {
	long := strings.Repeat("y", 70_000)
	tests := map[string]struct {
		format, file string
		want         []string
	}{
		"the first three": {"csv", "a,1,2\n\n# x\nb,x,1\nb,x,2\nb,x,3\nb,x,4\nc,9,9\n", []string{
			`line 4: malformed: "b,x,1"`, `line 5: malformed: "b,x,2"`, `line 6: malformed: "b,x,3"`, `line 8: zero length: "c,9,9"`,
		}},
		"escaped": {"csv", "a,1,2\n\x1b[31m\u202e\x00\n\x1b[2J\xff\n", []string{
			`line 3: malformed: "\x1b[2J\xff"`, `line 2: binary: "\x1b[31m\u202e\x00"`,
		}},
		"long":         {"fta", row("1", "0", "1", "2") + long + "\n" + row("2", "7", "1", "2"), []string{`line 2: huge line: "` + long[:160] + `"`, `line 3: unknown state: "0\t0\t2\t5\tname\t7\t1\t2\tNULL"`}},
		"out of order": {"csv", "a,100,110\na,50,60\n", []string{`line 2: out of order: "a,50,60"`}},
		"merged": {"csv", "a,100,110\na,105,120\na,120.5,\na,0,100\n", []string{
			`line 3: zero length: "a was down from 1970-01-01T00:02:00.5Z to the end"`,
			`line 4: out of order: "a,0,100"`,
			`line 2: overlap: "a was down from 1970-01-01T00:01:45Z to 1970-01-01T00:02:00Z"`,
			`line 1: touching: "a was down from 1970-01-01T00:01:40Z to 1970-01-01T00:01:50Z"`,
		}},
		"a log": {"hostlife", logLine + "\nlate at=x;\n" + "late " + long + "\n" + "late at=9 id=\"a\" interval=1 last-contact=4611686018427387902;\ntorn", []string{
			`line 3: malformed: "late at=x;"`, `line 4: malformed: "late ` + long[:155] + `"`,
			`line 5: malformed: "late at=9 id=\"a\" interval=1 last-contact=4611686018427387902;"`, `line 6: cut off: "torn"`,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range read(t, test.format, []byte(test.file)).Samples {
				got = append(got, s.String())
			}
			require.Equal(t, test.want, got)
		})
	}
}

// The reason for which a file ends early is kept too.
func TestWhyAFileEnds(t *testing.T) {
	file := packed(t, strings.NewReader(strings.Repeat(row("1", "0", "200", "260"), 1000)))
	s := outage.Source{Format: format(t, "fta")}
	trace, err := s.Read(t.Context(), bytes.NewReader(file[:len(file)-9]))
	require.NoError(t, err)
	last := trace.Samples[len(trace.Samples)-1]
	require.Equal(t, "cut off", last.Kind.String())
	require.Contains(t, last.Text, "unexpected EOF")
}

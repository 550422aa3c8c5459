package outage_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
)

// The reader's outages are counted a second time, by a few lines of awk that share nothing with
// it: those rows that can be meant, as NODE DOWN UP, sorted, and then merged.
const (
	awkFTA = `length($0) < 65536 && NF >= 8 && $3 != "" && $6 == "0" && $7 ~ /^[0-9]+$/ && $8 ~ /^[0-9]+$/ &&
		$8 + 0 > $7 + 0 && $8 + 0 <= 4102444800 && $8 - $7 <= 315360000 && length($4 "/" $3) <= 128 {
			print $4 "/" $3 "\t" $7 "\t" $8 }`
	// Minutes that need only be in order: a month has 31 days here.
	awkLANL = `function minutes(s,  a, d, t) {
			if (s !~ /^[0-9]+\/[0-9]+\/[0-9][0-9][0-9][0-9] [0-9]+:[0-9][0-9]$/) return -1
			split(s, a, " "); split(a[1], d, "/"); split(a[2], t, ":")
			if (d[1] < 1 || d[1] > 12 || d[2] < 1 || d[2] > (d[1] == 2 ? 29 : 31) || t[1] > 23 || t[2] > 59) return -1
			if (d[3] < 1970 || d[3] >= 2100) return -1
			return ((d[3] * 12 + d[1]) * 31 + d[2]) * 1440 + t[1] * 60 + t[2]
		}
		length($0) < 65536 && $1 != "" && $7 != "" { from = minutes($17); to = minutes($18)
			if (from >= 0 && to > from && to - from <= 10 * 372 * 1440) print $1 "/" $7 "\t" from "\t" to }`
	awkMerge = `$1 != node || $2 + 0 > up { outages++; node = $1; up = $3 + 0 } $3 + 0 > up { up = $3 + 0 } END { print outages + 0 }`
)

// counted is how many outages awk counts.
func counted(t *testing.T, separator, program string, file []byte) int {
	t.Helper()
	if _, err := exec.LookPath("awk"); err != nil {
		t.Skip("awk is not installed")
	}
	rows := pipe(t, file, "awk", "-F", separator, program)
	rows = pipe(t, rows, "sort", "-t", "\t", "-k1,1", "-k2,2n", "-k3,3n")
	n, err := strconv.Atoi(strings.TrimSpace(string(pipe(t, rows, "awk", "-F", "\t", awkMerge))))
	require.NoError(t, err)
	return n
}

func pipe(t *testing.T, in []byte, name string, args ...string) []byte {
	t.Helper()
	c := exec.Command(name, args...)
	c.Stdin, c.Env = bytes.NewReader(in), append(os.Environ(), "LC_ALL=C")
	out, err := c.Output()
	require.NoError(t, err)
	return out
}

func TestAwkCountsTheSame(t *testing.T) {
	huge := []byte("\n" + strings.Repeat("z\t,", 40_000) + "\n")
	tests := []struct {
		format, separator, program, file string
		want                             int
	}{
		{"fta", "\t", awkFTA, "testdata/hostile.tab", 76},
		{"lanl", ",", awkLANL, "testdata/hostile-lanl.csv", 121},
		{"fta", "\t", awkFTA, "../../../../../shared/data/g5k-even.tab.gz", 145_803},
		{"lanl", ",", awkLANL, "../../../../../shared/data/lanl-part.csv", 10_432},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			file := content(t, test.file)
			if strings.HasPrefix(test.file, "testdata/") {
				file = append(file, huge...)
			}
			trace := read(t, test.format, file)
			require.Equal(t, test.want, trace.Outages())
			file = bytes.ReplaceAll(file, []byte("\r\n"), []byte("\n"))
			require.Equal(t, counted(t, test.separator, test.program, file), trace.Outages())
		})
	}
}

// content is a file, unpacked; the test is skipped if the file is outside the repository and missing.
func content(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) && !strings.HasPrefix(name, "testdata/") {
		t.Skipf("%s is not there", name)
	}
	require.NoError(t, err)
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		require.NoError(t, err)
		b, err = io.ReadAll(z)
		require.NoError(t, err)
	}
	return b
}

func format(t testing.TB, name string) outage.Format {
	for _, f := range outage.Formats {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no format %q", name)
	return outage.Format{}
}

func read(t testing.TB, name string, file []byte) *outage.Trace {
	t.Helper()
	s := outage.Source{Format: format(t, name)}
	trace, err := s.Read(t.Context(), bytes.NewReader(file))
	require.NoError(t, err)
	return trace
}

package outage_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
)

const logLine = "begin at=0 version=2 start=1700000000000000000 policy=\"fixed:3\";\n"

func TestGuess(t *testing.T) {
	tests := map[string]struct{ name, file, want string }{
		"fta":                    {"x", row("1", "0", "200", "260"), "fta"},
		"fta: comments":          {"x.csv", "# event_id\tcomponent_id\n\n" + row("1", "1", "200", "260"), "fta"},
		"fta: damage":            {"x", "\x00\x01\n" + row("1", "1", "200", "260"), "fta"},
		"lanl":                   {"x.csv", lanlHead, "lanl"},
		"lanl: headings missing": {"x", strings.Repeat(",", 16) + "9/26/2003 16:40,9/27/2003 14:30\n", "lanl"},
		"hostlife":               {"x", "\n" + logLine, "hostlife"},
		"hostlife: late":         {"x.csv", "late at=9 id=\"a,b,c\" interval=1 last-contact=1;\n", "hostlife"},
		"csv":                    {"x", "a,1000,1060\n", "csv"},
		"csv: headings":          {"x.log", "Node,Down,Up\n", "csv"},
		"csv: byte order mark":   {"x", "\ufeffnode,down,up\r\n", "csv"},
		"csv: no outage":         {"x", "a,,\n", "csv"},
		"csv: not back":          {"x", "a,2005-09-09 09:01:01,\n", "csv"},
		"by name: csv":           {"dir.x/Outages.CSV.gz", "a;1000;1060\n", "csv"},
		"by name: empty":         {"x.tab", "", "fta"},
		"by name: log":           {"x.log", "torn\n", "hostlife"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, file := range [][]byte{[]byte(test.file), packed(t, strings.NewReader(test.file))} {
				s := outage.Source{Name: test.name}
				_, err := s.Read(t.Context(), bytes.NewReader(file))
				require.NoError(t, err)
				require.Equal(t, test.want, s.Format.Name)
			}
		})
	}
}

func TestNoGuess(t *testing.T) {
	for file, why := range map[string]string{
		"":                               "it is empty",
		"# nothing\n":                    "it is empty",
		"package \x1b[31m outage_test\n": `it begins with "package \x1b[31m outage_test"`,
		"\x1f\x8b\x08":                   "damaged",
		strings.Repeat("x", 1<<17):       `it begins with "xxx`,
	} {
		s := outage.Source{Name: "x"}
		_, err := s.Read(t.Context(), strings.NewReader(file))
		require.ErrorContains(t, err, why)
		require.Less(t, len(err.Error()), 300)
	}
	s := outage.Source{Name: "x"}
	_, err := s.Read(t.Context(), io.MultiReader(strings.NewReader("\x1f\x8b"), zeros{}))
	require.Error(t, err)
}

package replay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// Whatever stands in a file, or is its name, a terminal obeys none of what is printed of it.
func TestTextOfAFileIsShownEscaped(t *testing.T) {
	const nasty = "\x1b[31m\a\u009b2J\u202egnp\u2066\xff\u200b\u2028"
	log := fmt.Sprintf("begin at=0 version=2 start=1700000000000000000 policy=%q;\n", nasty)
	id := strconv.Quote(nasty + "\r\n")
	log += "joined at=1 interval=10000000000 id=" + id + " zone=" + id + ";\n"
	log += "evicted at=30000000000 interval=10000000000 last-contact=1 due=20000000001 held=" + id + " id=" + id + ";\n"
	log += "late at=90000000000 interval=1 last-contact=1 id=" + id + ";\n"
	log += nasty + " " + nasty + "=" + nasty + ";\n" + nasty + "\n"
	file := filepath.Join(t.TempDir(), "log\x1b[31m\u202e")
	require.NoError(t, os.WriteFile(file, []byte(log), 0o600))

	stdout, stderr := run(t, "-format", "hostlife", "-trace", file, "-policies", "fixed:4", "-verdicts", "-json", "-recommend",
		"-plot", filepath.Join(t.TempDir(), "plot.svg"))
	require.Contains(t, stdout, `held: "\x1b[31m`)
	require.Contains(t, stderr, "line 4", "a silence that no registry has")
	require.Contains(t, stderr, `line 5: malformed: "\x1b[31m`)
	require.Contains(t, lastLine(stdout), `"unjudged":1`)
	requirePrintable(t, stdout+stderr)

	for _, policy := range []string{nasty, "fixed:2" + strings.Repeat("0", 60_000)} {
		log = fmt.Sprintf("begin at=0 version=2 start=1700000000000000000 policy=%q;\njoined at=1 interval=10000000000 id=\"a\";\n", policy)
		require.NoError(t, os.WriteFile(file, []byte(log), 0o600))
		stdout, stderr = run(t, "-format", "hostlife", "-trace", file)
		require.NotContains(t, stdout, "000000000")
		requirePrintable(t, stdout+stderr)
	}
}

func requirePrintable(t *testing.T, s string) {
	t.Helper()
	require.True(t, utf8.ValidString(s), "%q", s)
	for _, c := range s {
		require.True(t, c == '\n' || strconv.IsPrint(c), "%q has %q", s, c)
	}
}

package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

// What logs does not wait for a pipe that is not read; when it is, what was lost is told.
func TestALogDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, w := io.Pipe()
		log, flush, err := cli.Logger("json", w)
		require.NoError(t, err)
		begun := time.Now()
		line := strings.Repeat("x", 1<<20)
		for i := range 40 {
			log.Info("line", "i", i, "x", line)
			synctest.Wait()
		}
		require.Zero(t, time.Since(begun))
		flush()
		require.Equal(t, time.Second, time.Since(begun), "it does not wait for long in the end, either")

		var text bytes.Buffer
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(&text, out)
		}()
		flush()
		require.NoError(t, w.Close())
		<-read
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		told := lines[len(lines)-1]
		require.Contains(t, told, "log lines were lost")
		require.Contains(t, told, fmt.Sprintf(`"lines":%d`, 40-(len(lines)-1)))
		require.InDelta(t, 17, len(lines), 2, "one was being written, and 15 found room")
		for i, l := range lines[:len(lines)-1] {
			require.Contains(t, l, fmt.Sprintf(`"i":%d,`, i), "in order")
		}
	})
}

func TestALogIsComplete(t *testing.T) {
	var text bytes.Buffer
	log, flush, err := cli.Logger("text", &text)
	require.NoError(t, err)
	for i := range 10_000 {
		log.Info("line", "i", i)
	}
	flush()
	require.Equal(t, 10_000, strings.Count(text.String(), "\n"))
	require.True(t, strings.HasSuffix(text.String(), "i=9999\n"))
	flush()

	_, _, err = cli.Logger("xml", &text)
	require.ErrorIs(t, err, cli.ErrUsage)
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain: ä 世界\n\tline":    "plain: ä 世界\n\tline",
		"\x1b[2J\x07\r":          `\x1b[2J\a\r`,
		"\xff\u202e\u009b\x7f":   `\xff\u202e\u009b\x7f`,
		`a "quoted" \ backslash`: `a "quoted" \ backslash`,
		"\ufffd":                 "\ufffd",
	} {
		require.Equal(t, want, cli.Printable(text))
	}
}

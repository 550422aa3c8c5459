package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/replay"
)

// run runs the command, and returns what it prints.
func run(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	require.NoError(t, replay.Main(t.Context(), args, &out, &errs))
	return out.String(), errs.String()
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// keys are an object's, in the order in which they stand.
func keys(t *testing.T, object json.RawMessage) (keys []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	depth, isKey := 0, false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return keys
		}
		require.NoError(t, err)
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			isKey = depth == 1
			continue
		case json.Delim('}'), json.Delim(']'):
			depth--
			isKey = depth == 1
			continue
		}
		if depth == 1 {
			if isKey {
				keys = append(keys, token.(string))
			}
			isKey = !isKey
		}
	}
}

func TestJSON(t *testing.T) {
	args := []string{"-nodes", "8", "-days", "2", "-json", "-policies", "fixed:2, tiered:30s/5m,phi:8,phi:4/10s/1m"}
	out, _ := run(t, args...)
	var got struct {
		Trace    json.RawMessage
		Policies []json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(lastLine(out)), &got))
	require.Equal(t, []string{"trace", "policies"}, keys(t, json.RawMessage(lastLine(out))))
	require.Equal(t, []string{"nodes", "outages", "days", "skipped"}, keys(t, got.Trace)[:4])
	require.Len(t, got.Policies, 4)
	for i, name := range []string{"fixed:2", "tiered:30s/5m", "phi:8", "phi:4/10s/1m"} {
		require.Equal(t, []string{"name", "outages", "detected", "missed_short", "evictions", "false_evictions",
			"returned_5m", "returned_30m", "detect_p50_s", "detect_p99_s", "stale_host_hours"}, keys(t, got.Policies[i])[:11])
		var p struct {
			Name      string
			Outages   int
			Evictions int `json:"evictions"`
			False     int `json:"false_evictions"`
		}
		require.NoError(t, json.Unmarshal(got.Policies[i], &p))
		require.Equal(t, name, p.Name)
		require.Positive(t, p.Outages)
		require.Positive(t, p.Evictions)
		require.Zero(t, p.False)
		require.Contains(t, out, name+"  ")
	}
	again, _ := run(t, append(args, "-group", "7")...)
	require.Equal(t, out, again)
}

func TestGeneratedFileIsPlayedLikeTheTraceItself(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace.tab")
	out, _ := run(t, "-generate", file, "-nodes", "20", "-days", "4")
	require.Empty(t, out)
	made, _ := run(t, "-nodes", "20", "-days", "4")
	read, _ := run(t, "-trace", file)
	require.Equal(t, made[strings.Index(made, ": "):], read[strings.Index(read, ": "):])

	slice, _ := run(t, "-trace", file, "-nodes", "5", "-days", "1", "-json")
	require.Contains(t, lastLine(slice), `{"trace":{"nodes":5,`)
	require.Contains(t, lastLine(slice), `"days":1,`)
}

// What is wrong with a file is counted and shown, and stops nothing. The format is guessed.
func TestHostileFiles(t *testing.T) {
	for format, file := range map[string]string{"fta": "hostile.tab", "lanl": "hostile-lanl.csv", "csv": "hostile.csv"} {
		out, stderr := run(t, "-trace", filepath.Join("outage", "testdata", file), "-json", "-policies", "fixed:2")
		require.Contains(t, out, file+" ("+format+"): ")
		require.Contains(t, out, " rows skipped; noted: malformed ")
		require.Contains(t, lastLine(out), `"negative":1`)
		require.Regexp(t, `(?m)^replay: line \d+: negative: ".+"$`, stderr)
		require.LessOrEqual(t, strings.Count(stderr, ": malformed: "), 4)
		require.Regexp(t, `(?m)^replay: malformed: \d+ more$`, stderr)
	}
}

// A trace without any node is an error, and names its reason.
func TestNoNode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.csv")
	for content, want := range map[string]string{
		"":                          "there is no node in this trace, read as csv: 0 rows, 0 of them skipped",
		"node,down,up\na;1;2\n\x1b": "there is no node in this trace, read as csv: 3 rows, 2 of them skipped",
	} {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		var stdout, stderr bytes.Buffer
		err := replay.Main(t.Context(), []string{"-trace", file, "-json", "-recommend"}, &stdout, &stderr)
		require.ErrorContains(t, err, want)
		require.NotErrorIs(t, err, cli.ErrUsage)
		require.Empty(t, stdout.String())
		require.Equal(t, content != "", strings.Contains(stderr.String(), `line 2: malformed: "a;1;2"`))
	}
	for file, want := range map[string]string{
		"main_test.go": `main_test.go: its format is not recognized: it begins with "package replay_test"`, os.DevNull: "it is empty",
	} {
		err := replay.Main(t.Context(), []string{"-trace", file}, io.Discard, io.Discard)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "fta, lanl, hostlife, csv")
	}
}

func help(t *testing.T, arg string) string {
	t.Helper()
	var out, errs bytes.Buffer
	require.ErrorIs(t, replay.Main(t.Context(), []string{arg}, &out, &errs), flag.ErrHelp)
	require.Empty(t, errs.String())
	return out.String()
}

func TestHelp(t *testing.T) {
	all := help(t, "-help-all")
	for _, word := range []string{"fixed:N", "tiered:JITTER/OFFLINE", "phi:X", "phi:X/MIN/MAX", "fta:", "lanl:", "csv:", "node,down,up", "false evictions",
		"stale host-hours", "-recommend", "-price", "-plot", "-loss", "-seed", "incarnation", "UTC"} {
		require.Contains(t, all, word)
	}
	for _, arg := range []string{"-help", "--help", "-h"} {
		brief := help(t, arg)
		lines := strings.Split(brief, "\n")
		require.LessOrEqual(t, len(lines), 24, "it fits a screen")
		for _, line := range lines {
			require.LessOrEqual(t, len(line), 80)
		}
		for _, name := range regexp.MustCompile(`(?m)[ ,]-[a-z-]+`).FindAllString(brief, -1) {
			require.Contains(t, all, "\n  "+strings.TrimLeft(name, " ,"))
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, args := range []string{"-policies ,", "-policies fixed", "-policies fixed:0.5", "-policies fixed:1", "-policies tiered:1ns/1ns", "-policies phi:8/1ns/1ns", "-policies fixed:NaN", "-policies tiered:5m/30s",
		"-policies tiered:30s", "-policies phi:8/1s", "-policies phi:0.1", "-policies best:1", "-loss 1", "-loss -0.1", "-loss NaN", "-format xml",
		"-interval 1ms", "-delay -1s", "-spread 48h", "-nodes -1", "-days -1", "-days NaN", "-price -1s", "-price Inf", "-price 5", "-price 100000h", "-pacing 30s", "-pacing 1m/30s/1/0",
		"-pacing a/b/c/d", "-generate x -trace y", "-group -1", "-warm -1", "-warm 9223372036854775807", "-policies recorded", "-trace no/such/file -format csv -policies recorded",
		"-nodes 10000000 -days 36500", "-nodes 10000000 -days 101", "-curves x -plot p", "surplus", "-trace main_test.go -policies fixed"} {
		err := replay.Main(t.Context(), strings.Fields(args), io.Discard, io.Discard)
		require.ErrorIs(t, err, cli.ErrUsage, args)
	}
	require.ErrorIs(t, replay.Main(t.Context(), []string{"-trace", "no/such/file"}, io.Discard, io.Discard), os.ErrNotExist)
	err := replay.Main(t.Context(), []string{"-trace", filepath.Join("outage", "testdata", "hostile.csv"), "-policies", "recorded"}, io.Discard, io.Discard)
	require.ErrorIs(t, err, cli.ErrUsage)
}

// A generated trace may take as much memory as one that is read.
func TestATraceTooLargeToMakeUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range []string{"-nodes 10000000 -days 1", "-nodes 10000000 -days 0.001", "-nodes 200000 -days 365", "-nodes 28000 -days 36500"} {
		err := replay.Main(ctx, strings.Fields(args), io.Discard, io.Discard)
		require.ErrorIs(t, err, cli.ErrUsage, args)
		require.ErrorContains(t, err, "the limit is 640 MB", args)
	}
	for _, args := range []string{"-nodes 1000000 -days 1", "-nodes 10000 -days 365", "-nodes 10000000 -trace no/such/file"} {
		require.NotErrorIs(t, replay.Main(ctx, strings.Fields(args), io.Discard, io.Discard), cli.ErrUsage, args)
	}
}

func TestStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, replay.Main(ctx, []string{"-nodes", "10"}, io.Discard, io.Discard), context.Canceled)
}

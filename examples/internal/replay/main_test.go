package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
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

func TestPlotIsAnSVG(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plot.svg")
	run(t, "-nodes", "20", "-days", "3", "-plot", file, "-policies", "fixed:2,tiered:30s/5m")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	d := xml.NewDecoder(bytes.NewReader(b))
	elements := map[string]int{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok {
			elements[e.Name.Local]++
		}
	}
	require.Equal(t, 1, elements["svg"])
	require.Greater(t, elements["path"], 20)
	for _, text := range []string{"fixed:2", "tiered:30s/5m", "chosen", "detection time"} {
		require.Contains(t, string(b), text)
	}
	require.Less(t, len(b), 200<<10)
}

func TestPlotOfNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plot.svg")
	run(t, "-trace", os.DevNull, "-plot", file)
	run(t, "-nodes", "1", "-days", "0.001", "-plot", file)
}

func TestRecommend(t *testing.T) {
	args := []string{"-nodes", "15", "-days", "3", "-loss", "0.02", "-policies", "fixed:2,fixed:3,fixed:6,fixed:40", "-recommend", "-json"}
	named := func(more ...string) (name string, frontier []string) {
		out, _ := run(t, append(args, more...)...)
		var got struct {
			Recommended struct {
				Name     string
				Frontier []string
			}
		}
		require.NoError(t, json.Unmarshal([]byte(lastLine(out)), &got))
		require.Contains(t, out, "recommended: "+got.Recommended.Name+",")
		return got.Recommended.Name, got.Recommended.Frontier
	}
	name, frontier := named("-price", "0")
	require.Equal(t, "fixed:2", name)
	require.Equal(t, []string{"fixed:2"}, frontier)
	name, frontier = named("-price", "0.005")
	require.Equal(t, "fixed:3", name)
	require.Equal(t, []string{"fixed:2", "fixed:3", "fixed:6"}, frontier)
	name, _ = named("-price", "1e6")
	require.Equal(t, "fixed:6", name)
	name, _ = named("-price", "0", "-price-returned", "100")
	require.Equal(t, "fixed:40", name)
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

// What is wrong with a file is counted and said, and stops nothing.
func TestHostileFiles(t *testing.T) {
	for format, file := range map[string]string{"fta": "hostile.tab", "lanl": "hostile-lanl.csv", "csv": "hostile.csv"} {
		out, _ := run(t, "-format", format, "-trace", filepath.Join("outage", "testdata", file), "-json", "-policies", "fixed:2")
		require.Contains(t, out, " rows skipped; noted: malformed ")
		require.Contains(t, lastLine(out), `"negative":1`)
	}
	out, stderr := run(t, "-trace", "main_test.go", "-json", "-recommend")
	require.Contains(t, stderr, "no node in this trace")
	require.Contains(t, lastLine(out), `{"trace":{"nodes":0,"outages":0,"days":0,`)
}

func TestHelp(t *testing.T) {
	for _, arg := range []string{"-help", "--help", "-h"} {
		var out, errs bytes.Buffer
		require.ErrorIs(t, replay.Main(t.Context(), []string{arg}, &out, &errs), flag.ErrHelp)
		require.Empty(t, errs.String())
		for _, word := range []string{"fixed:N", "tiered:JITTER/OFFLINE", "phi:X", "phi:X/MIN/MAX", "fta:", "lanl:", "csv:", "node,down,up", "false evictions",
			"stale host-hours", "-recommend", "-price", "-plot", "-loss", "-seed", "incarnation"} {
			require.Contains(t, out.String(), word)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, args := range []string{"-policies ,", "-policies fixed", "-policies fixed:0.5", "-policies fixed:1", "-policies tiered:1ns/1ns", "-policies phi:8/1ns/1ns", "-policies fixed:NaN", "-policies tiered:5m/30s",
		"-policies tiered:30s", "-policies phi:8/1s", "-policies phi:0.1", "-policies best:1", "-loss 1", "-loss -0.1", "-loss NaN", "-format xml",
		"-interval 1ms", "-delay -1s", "-spread 48h", "-nodes -1", "-days -1", "-days NaN", "-price -1", "-price Inf", "-pacing 30s", "-pacing 1m/30s/1/0",
		"-pacing a/b/c/d", "-generate x -trace y", "-group -1", "-warm -1", "-warm 9223372036854775807", "-price 1e308", "-price-returned 1e13",
		"-nodes 10000000 -days 36500", "-nodes 10000000 -days 101", "-curves x -plot p", "surplus"} {
		err := replay.Main(t.Context(), strings.Fields(args), io.Discard, io.Discard)
		require.ErrorIs(t, err, cli.ErrUsage, args)
	}
	require.ErrorIs(t, replay.Main(t.Context(), []string{"-trace", "no/such/file"}, io.Discard, io.Discard), os.ErrNotExist)
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

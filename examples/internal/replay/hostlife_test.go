package replay_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/replay"
	"github.com/hostlife/hostlife/hostmgr"
)

// record plays a little with a registry, and returns the log of its flight recorder: ten hosts with
// an interval of 10 s, of which 1 is back 15 s after it was evicted, 2 is dead, 3 is late once, and
// 4 leaves and comes again.
func record(t *testing.T, p hostmgr.Policy) string {
	t.Helper()
	var log bytes.Buffer
	now := clock.NewMock()
	hosts, err := hostmgr.New(hostmgr.Config[int32]{Policy: p, Clock: now, Recorder: &log})
	require.NoError(t, err)
	announce := func(i int) {
		_, err := hosts.Announce(hostmgr.Announcement[int32]{ID: strconv.Itoa(i), Interval: 10 * time.Second})
		require.NoError(t, err)
	}
	for i := range 10 {
		announce(i)
	}
	for second := 1; second <= 300; second++ {
		now.Add(time.Second)
		hosts.Sweep(context.Background())
		switch second {
		case 145: // 1 was evicted at 131, or would have been
			announce(1)
		case 119, 251:
			_, err = hosts.Heartbeat("3", 0)
			require.NoError(t, err)
		case 150:
			require.NoError(t, hosts.Leave(context.Background(), "4", 0))
		case 200:
			announce(4)
		case 290:
			require.NoError(t, hosts.Leave(context.Background(), "5", 0))
		}
		if second%10 > 0 {
			continue
		}
		for i := range 10 {
			dead := i == 1 && second > 110 && second < 145 || i == 2 && second > 50
			late := i == 3 && second == 110
			left := i == 4 && second >= 150 && second < 200 || i == 5 && second >= 290
			if !dead && !late && !left {
				_, err = hosts.Heartbeat(strconv.Itoa(i), 0)
				require.NoError(t, err)
			}
		}
	}
	return log.String()
}

func TestAFlightRecordersLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(file, []byte(record(t, hostmgr.Fixed(2))+"torn"), 0o600))
	stdout, _ := run(t, "-format", "hostlife", "-trace", file, "-spread", "0", "-delay", "0", "-verdicts", "-json",
		"-policies", "recorded,fixed:4,fixed:1.6")
	require.Contains(t, stdout, "interval 10s")
	require.Contains(t, stdout, "noted: cut off 1")
	require.Contains(t, stdout, `fixed:4: 1970-01-01T00:02:11Z evicted "1": silent for 21s, timeout 20s at an interval of 10s; `+
		"would have been kept: it joined again 14s after its eviction")
	require.Contains(t, stdout, `fixed:4: 1970-01-01T00:01:11Z evicted "2": silent for 21s, timeout 20s at an interval of 10s; would have been due 20s later`)
	require.Contains(t, stdout, `fixed:1.6: 1970-01-01T00:01:59Z late "3": silent for 19s, timeout 20s at an interval of 10s; `+
		"would have been evicted, and had a contact 3s after")

	type verdicts struct{ Silences, Changed, Kept, Evicted int }
	var got struct {
		Trace    struct{ Nodes, Outages, Skipped int }
		Policies []struct {
			Name              string
			Detected          int
			Returned30m, Open int
			Verdicts          *verdicts
		}
	}
	require.NoError(t, json.Unmarshal([]byte(lastLine(stdout)), &got))
	require.Equal(t, 11, got.Trace.Nodes, "4 is two")
	require.Equal(t, 3, got.Trace.Outages, "of 1, 2 and 3")
	require.Equal(t, "fixed:2", got.Policies[0].Name)
	require.Equal(t, verdicts{Silences: 5}, *got.Policies[0].Verdicts)
	require.Equal(t, verdicts{Silences: 5, Changed: 2, Kept: 1}, *got.Policies[1].Verdicts)
	require.Equal(t, verdicts{Silences: 5, Changed: 3, Evicted: 1}, *got.Policies[2].Verdicts)
	require.Equal(t, 2, got.Policies[0].Detected, "1 and 2")
	require.Equal(t, 1, got.Policies[1].Detected, "2")
}

// The log is packed, and its policy needs history. Without -policies that policy is played too.
func TestThePolicyOfALog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log.gz")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(record(t, hostmgr.PhiAccrual{Threshold: 3})))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(file, packed.Bytes(), 0o600))
	stdout, _ := run(t, "-trace", file, "-recommend", "-loss", "0")
	require.Contains(t, stdout, "log.gz (hostlife): ")
	require.Contains(t, stdout, ", the policy of the recording")
	require.Regexp(t, `phi:3/0s/0s +\d+ +0 +0 +0\n`, stdout, "no verdict changes")
	require.Contains(t, stdout, " tiered:30s/5m ")
}

type ownPolicy struct{}

func (ownPolicy) Timeouts(p hostmgr.History) (suspect, evict time.Duration) { return 0, 3 * p.Interval }

func TestALogOfAPolicyThatIsNotKnown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(file, []byte(record(t, ownPolicy{})), 0o600))
	stdout, _ := run(t, "-format", "hostlife", "-trace", file)
	require.NotContains(t, stdout, "recorded")
	err := replay.Main(t.Context(), []string{"-format", "hostlife", "-trace", file, "-policies", "recorded"}, io.Discard, io.Discard)
	require.ErrorIs(t, err, cli.ErrUsage)
	require.ErrorContains(t, err, "replay_test.ownPolicy")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("\x00\n", 100)), 0o600))
	err = replay.Main(t.Context(), []string{"-format", "hostlife", "-trace", file}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "there is no node in this trace, read as hostlife: 100 rows, 100 of them skipped")
}

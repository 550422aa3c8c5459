package schedulerd_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// dies has a host join, be late once, and die, until it is evicted; then the scheduler stops.
func (s *scheduler) dies(id string) {
	s.t.Helper()
	const interval = 20 * time.Millisecond
	s.mustAnnounce(s.t.Context(), id, interval)
	require.Eventually(s.t, func() bool { // on a busy machine it may be evicted here, too
		return strings.Contains(s.log.String(), "suspected") || len(s.list()) == 0
	}, longWait, time.Millisecond)
	s.mustAnnounce(s.t.Context(), id, interval)
	require.Eventually(s.t, func() bool { return len(s.list()) == 0 }, longWait, time.Millisecond)
	s.stop()
	require.NoError(s.t, <-s.done)
	s.done <- nil
}

// judge judges the log by the policy of the flags, which must come to the verdicts that stand in
// it. So many lines are none.
func judge(t *testing.T, file, flags string, wrong int) (all []flight.Verdict) {
	t.Helper()
	log, err := os.Open(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	policy, _, err := schedulerd.Policies(strings.Fields(flags)...)
	require.NoError(t, err)
	for v, err := range flight.Replay(flight.Read(log), policy) {
		if err != nil {
			wrong--
			continue
		}
		require.Empty(t, v.Change, "%v", v)
		all = append(all, v)
	}
	require.Zero(t, wrong)
	return all
}

func evictions(all []flight.Verdict) (evicted []flight.Verdict) {
	for _, v := range all {
		if v.Kind == "evicted" {
			evicted = append(evicted, v)
		}
	}
	return evicted
}

// The log has the eviction, and the same policy judges it in the same way.
func TestTheRecordOfAnEviction(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{"", "-policy tiered -jitter 20ms -offline 50ms", "-policy phi -offline 100ms"} {
		file := filepath.Join(t.TempDir(), "record")
		begun := time.Now()
		start(t, append(strings.Fields(flags), "-record", file)...).dies("h")
		all := judge(t, file, flags, 0)
		require.GreaterOrEqual(t, len(all), 2, "late, and evicted")
		evicted := evictions(all)
		log, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotEmpty(t, evicted, flags)
		require.Len(t, evicted, strings.Count(string(log), "\njoined "), "no registration ended otherwise: %s", log)
		for _, v := range evicted {
			require.Equal(t, "h", v.ID)
			require.NotZero(t, v.Due)
			require.WithinRange(t, v.At, begun, time.Now())
		}
		info, err := os.Stat(file)
		require.NoError(t, err)
		if runtime.GOOS != "windows" {
			require.EqualValues(t, 0o600, info.Mode(), "only the owner may read it")
		}
	}
}

// A scheduler that is started again goes on where a crash tore the line of the one before.
func TestARecordIsAppendedTo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "record")
	start(t, "-record", file).dies("a")
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`joined at=12 id="to`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	begun := time.Now()
	start(t, "-record", file).dies("b")
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(after, before))
	var ids []string
	var last flight.Verdict
	for _, last = range evictions(judge(t, file, "", 1)) {
		ids = append(ids, last.ID)
	}
	require.Equal(t, []string{"a", "b"}, slices.Compact(ids))
	require.WithinRange(t, last.At, begun, time.Now())
}

// A disk that is full stops nothing, and shows.
func TestARecordThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip(err)
	}
	s := start(t, "-record", full, "-http", "127.0.0.1:0")
	url := s.page()
	s.mustAnnounce(t.Context(), "h", 20*time.Millisecond)
	require.Eventually(t, func() bool {
		_, body := ask(t, http.MethodGet, url+"metrics")
		return strings.Contains(body, "\n"+`hostlife_departures_all_zones_total{kind="evicted",registry="hosts"} 1`) &&
			regexp.MustCompile(`\nhostlife_records_lost_total\{registry="hosts"\} ([2-9]|[1-9]\d)`).MatchString(body) && // joined, evicted, and gaps
			regexp.MustCompile(`\nhostlife_recorder_failures_total\{registry="hosts"\} [1-9]`).MatchString(body)
	}, longWait, 10*time.Millisecond)
	require.Contains(t, s.log.String(), "the flight recorder failed")
	require.Contains(t, s.log.String(), "no space left")
}

func TestARecordThatCannotBeOpened(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none", "record")
	err := schedulerd.Main(t.Context(), []string{"-record", file}, io.Discard, io.Discard)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "-record: open "+file)
	err = schedulerd.Main(t.Context(), []string{"-record", t.TempDir()}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "-record: ")
	t.Chdir(t.TempDir())
	start(t, "-record", "-").dies("h")
	require.NotEmpty(t, judge(t, "-", "", 0), "a file like any other")
}

package schedulerd_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/clitest"
	"github.com/hostlife/hostlife/examples/internal/history"
)

// A history has each acknowledged contact and leave, each departure, and each write to the table.
func TestAHistoryHasWhatHappened(t *testing.T) {
	if history.Now() == 0 {
		t.Skip("a history needs CLOCK_MONOTONIC of Linux")
	}
	name := filepath.Join(t.TempDir(), "one.jsonl")
	s := startSharing(t, newEngine(), "one", "-history", name)
	before := history.Now()
	s.mustAnnounce(as(t, "7"), "h", time.Hour)
	require.NoError(t, s.leave(as(t, "7"), "h"))
	require.Error(t, s.leave(as(t, "7"), "h"))
	after := history.Now()

	kinds := map[history.Kind][]history.Entry{}
	clitest.Eventually(t, "the history has the cleanup", func() bool {
		entries, err := history.Read(name)
		require.NoError(t, err)
		clear(kinds)
		for _, e := range entries {
			kinds[e.Kind] = append(kinds[e.Kind], e)
		}
		return len(kinds[history.Cleaned]) > 0 && len(kinds[history.Departed]) > 0
	})
	require.Equal(t, "one", kinds[history.Start][0].Process)
	contact := kinds[history.Contact]
	require.Len(t, contact, 1)
	require.Equal(t, "h", contact[0].Host)
	require.EqualValues(t, 7, contact[0].Incarnation)
	require.Less(t, before, contact[0].Began)
	require.Less(t, contact[0].At, after)
	require.Len(t, kinds[history.Left], 1)
	d := kinds[history.Departed]
	require.Len(t, d, 1)
	require.Equal(t, "left", d[0].How)
	require.Equal(t, kinds[history.Joined][0].Registration, d[0].Registration)
	require.Greater(t, d[0].Decided, contact[0].Began)
	require.Less(t, d[0].Decided, after)
	require.Equal(t, keysOf(kinds[history.Put]), keysOf(kinds[history.Seen]), "it reads what it writes")
	require.Contains(t, keysOf(kinds[history.Put]), fmt.Sprintf("gone/h/%d", d[0].Registration))
	require.NotEmpty(t, kinds[history.Wrote])
	require.NotEmpty(t, kinds[history.Snapshot])
}

// keysOf returns the keys of writes.
func keysOf(entries []history.Entry) map[string]bool {
	keys := map[string]bool{}
	for _, e := range entries {
		for _, w := range e.Writes {
			keys[w.Key] = true
		}
	}
	return keys
}

package history_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/history"
)

func TestWhatIsAddedIsInTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "history")
	l, err := history.Create(name, "one")
	if history.Now() == 0 {
		require.ErrorContains(t, err, "CLOCK_MONOTONIC")
		return
	}
	require.NoError(t, err)
	began := history.Now()
	l.Add(history.Entry{Kind: history.Contact, Host: "h", Began: began})
	l.Add(history.Entry{Kind: history.Put, Number: 1, Writes: []history.Write{{Key: "h/h", Version: 1<<64 - 1}}})

	got, err := history.Read(name) // before Close: a process that is killed does not close it
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, "one", got[0].Process)
	require.Equal(t, began, got[1].Began)
	require.GreaterOrEqual(t, got[1].At, began)
	require.Equal(t, uint64(1<<64-1), got[2].Writes[0].Version)

	_, err = history.Create(name, "two")
	require.ErrorIs(t, err, os.ErrExist, "a history is of one process")
	require.NoError(t, l.Close())
	require.Panics(t, func() { l.Add(history.Entry{}) }, "a gap does not go unnoticed")
	var none *history.Log
	none.Add(history.Entry{})
	require.NoError(t, none.Close())
}

func TestOnlyTheLastLineMayBeIncomplete(t *testing.T) {
	name := filepath.Join(t.TempDir(), "history")
	require.NoError(t, os.WriteFile(name, []byte("{\"kind\":\"start\"}\n{\"kind\":\"con"), 0o600))
	got, err := history.Read(name)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.NoError(t, os.WriteFile(name, []byte("{\"kind\":\"con\n{\"kind\":\"start\"}\n"), 0o600))
	_, err = history.Read(name)
	require.ErrorContains(t, err, "line 1")
}

func TestTimesOfThisProcessAreConverted(t *testing.T) {
	if history.Now() == 0 {
		t.Skip("a history needs CLOCK_MONOTONIC of Linux")
	}
	before, now, after := history.Now(), time.Now(), history.Now()
	const late = int64(50 * time.Millisecond) // between the two readings of When
	require.GreaterOrEqual(t, history.When(now), before-late)
	require.LessOrEqual(t, history.When(now), after+late)
	require.Zero(t, history.When(time.Time{}))
}

func BenchmarkAdd(b *testing.B) {
	l, err := history.Create(filepath.Join(b.TempDir(), "history"), "one")
	if err != nil {
		b.Skip(err)
	}
	for b.Loop() {
		l.Add(history.Entry{Kind: history.Contact, Host: "peer-00001", Began: history.Now(), Incarnation: 1 << 60})
	}
}

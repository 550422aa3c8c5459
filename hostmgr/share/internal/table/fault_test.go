package table_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

func TestALostTail(t *testing.T) {
	tab := table.New("t", table.Config{})
	put(t, tab, set("a", 0, 1), set("b", 0, 2))
	put(t, tab, set("a", 1, 3))
	put(t, tab, remove("b", 2, 4), set("c", 0, 5))
	r := follow(tab)
	r.requireRead(t)
	require.Equal(t, versions{"a": 3, "c": 5}, r.mirror)

	require.Equal(t, 2, tab.Lose(1), "a batch is lost as a whole")
	require.NoError(t, r.read(), "an idle table shows nothing")
	put(t, tab, set("a", 3, 6)) // uses revision 4 again
	require.ErrorIs(t, r.read(), feed.ErrBroken)
	r.start(tab)
	r.requireRead(t)
	require.True(t, r.WentBack())
	require.Equal(t, versions{"a": 6, "b": 2}, r.mirror)
	require.Equal(t, feed.Mark{Revision: 4, Version: 6}, r.Latest())

	require.Equal(t, 4, tab.Lose(100))
	r.start(tab)
	r.requireRead(t)
	require.Empty(t, r.mirror)
	require.Zero(t, r.Latest())
}

// A cursor by revision sees nothing until the table has passed its revision again.
func TestALostTailByRevision(t *testing.T) {
	tab := table.New("t", table.Config{ByRevision: true})
	put(t, tab, set("a", 0, 1))
	put(t, tab, set("b", 0, 2))
	r := follow(tab)
	r.requireRead(t)
	tab.Lose(1)
	put(t, tab, set("c", 0, 3))
	require.NoError(t, r.read())
	put(t, tab, set("d", 0, 4))
	require.ErrorIs(t, r.read(), feed.ErrBroken)
}

func TestARestartEmpty(t *testing.T) {
	tab := table.New("t", table.Config{})
	put(t, tab, set("a", 0, 1))
	r := follow(tab)
	r.requireRead(t)
	epoch := r.Epoch()
	tab.Wipe()
	require.NoError(t, r.read())
	put(t, tab, set("b", 0, 2))
	require.ErrorIs(t, r.read(), feed.ErrBroken)
	r.start(tab)
	r.requireRead(t)
	require.NotEqual(t, epoch, r.Epoch())
	require.True(t, r.WentBack())
	require.Equal(t, versions{"b": 2}, r.mirror)
	require.Equal(t, feed.Mark{Revision: 1, Version: 2}, r.Latest())
}

func TestTwoPrimaries(t *testing.T) {
	old := table.New("t", table.Config{})
	put(t, old, set("a", 0, 1))
	r := follow(old)
	r.requireRead(t)
	promoted := old.Fork()
	put(t, old, set("a", 1, 2))
	put(t, promoted, set("a", 1, 3), set("b", 0, 4))
	r.requireRead(t)
	require.Equal(t, versions{"a": 2}, r.mirror)
	r.start(promoted)
	r.requireRead(t)
	require.Equal(t, versions{"a": 3, "b": 4}, r.mirror)
	promoted.Lose(2)
	r.start(promoted)
	r.requireRead(t)
	require.Equal(t, versions{"a": 1}, r.mirror)
}

// While a snapshot is read, the table goes back. The cursor finds that out by itself.
func TestTheTableGoesBackDuringASnapshot(t *testing.T) {
	for name, back := range map[string]func(*table.Table){
		"lose": func(tab *table.Table) { tab.Lose(1) },
		"wipe": func(tab *table.Table) { tab.Wipe() },
		"wipe, and more changes than before": func(tab *table.Table) {
			tab.Wipe()
			put(t, tab, set("c", 0, 3), set("d", 0, 4), set("e", 0, 5))
		},
	} {
		t.Run(name, func(t *testing.T) {
			tab := table.New("t", table.Config{Pages: 4})
			put(t, tab, set("a", 0, 1))
			put(t, tab, set("b", 0, 2))
			r := follow(tab)
			requireStep(t, r)
			back(tab)
			require.ErrorIs(t, r.read(), table.ErrGap)
		})
	}
}

func requireStep(t *testing.T, r *reader) {
	t.Helper()
	more, err := r.step()
	require.NoError(t, err)
	require.True(t, more)
}

// After the last page the table goes back to where the feed began. The cursor must not wait for the
// changes that are lost.
func TestTheTableGoesBackBeforeTheSnapshotEnds(t *testing.T) {
	tab := table.New("t", table.Config{Pages: 2})
	put(t, tab, set("a", 0, 1))
	r := follow(tab)
	requireStep(t, r)
	put(t, tab, set("b", 0, 2))
	requireStep(t, r)
	tab.Lose(1)
	require.ErrorIs(t, r.read(), table.ErrGap)
}

// After the last page the table goes back, and is at the same revision again.
func TestTheTableGoesBackAfterTheLastPage(t *testing.T) {
	tab := table.New("t", table.Config{Pages: 1})
	put(t, tab, set("a", 0, 1))
	r := follow(tab)
	requireStep(t, r)
	tab.Lose(1)
	put(t, tab, set("a", 0, 2))
	require.ErrorIs(t, r.read(), table.ErrGap)

	tab = table.New("t", table.Config{Pages: 1, ByRevision: true})
	put(t, tab, set("a", 0, 1))
	r = follow(tab)
	requireStep(t, r)
	tab.Lose(1)
	put(t, tab, set("a", 0, 2))
	require.NoError(t, r.read(), "it cannot be noticed before the next change")
	put(t, tab, set("a", 2, 3))
	require.ErrorIs(t, r.read(), feed.ErrBroken)
}

// What the log no longer has cannot be lost. The log begins with a whole batch.
func TestALossEndsWhereTheLogBegins(t *testing.T) {
	for kept := 1; kept <= 6; kept++ {
		tab := table.New("t", table.Config{Log: kept})
		put(t, tab, set("a", 0, 1), set("b", 0, 1), set("c", 0, 1))
		for v := uint64(2); v <= 20; v++ {
			put(t, tab, set("a", v-1, v), set("b", v-1, v), set("c", v-1, v))
		}
		lost := tab.Lose(1000)
		require.GreaterOrEqual(t, lost, kept)
		require.LessOrEqual(t, lost, 2*kept+3)
		r := follow(tab)
		r.requireRead(t)
		require.Equal(t, r.mirror["a"], r.mirror["b"])
		require.Equal(t, r.mirror["a"], r.mirror["c"])
	}
}

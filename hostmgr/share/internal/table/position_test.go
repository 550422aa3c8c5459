package table_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// first returns the first frame of a feed.
func first(t *testing.T, tab *table.Table, after feed.Position) feed.Frame {
	t.Helper()
	f, _, err := tab.Feed(after).Next()
	require.NoError(t, err)
	return f
}

func now(t *testing.T, tab *table.Table) feed.Position {
	t.Helper()
	f := first(t, tab, feed.Position{})
	require.False(t, f.Back)
	return feed.Position{Epoch: f.Epoch, Revision: f.Revision, Version: f.Version}
}

// write changes one record n times. It returns the version of the last change.
func write(t *testing.T, tab *table.Table, version uint64, n int) uint64 {
	t.Helper()
	for range n {
		version++
		put(t, tab, set(fmt.Sprint(version), 0, version))
	}
	return version
}

func TestPositions(t *testing.T) {
	tab := table.New("t", table.Config{})
	empty := now(t, tab)
	put(t, tab, set("a", 0, 1), set("b", 0, 2))
	early := now(t, tab)
	put(t, tab, set("a", 1, 3))
	late := now(t, tab)
	within := feed.Position{Epoch: late.Epoch, Revision: 1, Version: 1}
	other, ahead, never := late, late, late
	other.Epoch, ahead.Revision, never.Version = "other", 9, 9
	for after, back := range map[feed.Position]bool{
		{}: false, empty: false, early: false, late: false, within: false, other: true, ahead: true, never: true,
		{Epoch: "other"}: true, {Revision: 3, Version: 3}: true,
	} {
		require.Equal(t, back, first(t, tab, after).Back, "%v", after)
	}
	tab.Wipe()
	require.True(t, first(t, tab, late).Back)
	require.True(t, first(t, tab, empty).Back)
}

// A failover loses a tail, and others write more than was lost, before a reader comes back.
func TestALostTailThatWasOverwritten(t *testing.T) {
	for name, c := range map[string]table.Config{"like redis": {}, "like etcd": {Shared: true, Unused: 2, ByRevision: true}} {
		t.Run(name, func(t *testing.T) {
			tab := table.New("t", c)
			put(t, tab, set("a", 0, 1))
			put(t, tab, set("b", 0, 2))
			r := follow(tab)
			r.requireRead(t)
			tab.Lose(1)
			put(t, tab, set("c", 0, 3))
			put(t, tab, set("d", 0, 4))
			r.start(tab)
			r.requireRead(t)
			require.True(t, r.WentBack())
			require.Equal(t, versions{"a": 1, "c": 3, "d": 4}, r.mirror)

			put(t, tab, set("e", 0, 5), remove("a", 1, 6))
			r.start(tab)
			r.requireRead(t)
			require.False(t, r.WentBack())
		})
	}
}

// The log no longer has the position. Then the table knows whether it has ever lost such a
// revision.
func TestPositionsBeforeTheLog(t *testing.T) {
	const kept = 10
	tab := table.New("t", table.Config{Log: kept})
	version := write(t, tab, 0, 5)
	early := now(t, tab)
	version = write(t, tab, version, 100)
	require.False(t, first(t, tab, early).Back, "nothing was ever lost")

	late := now(t, tab)
	require.Equal(t, 3, tab.Lose(3))
	least := now(t, tab)
	version = write(t, tab, version, 100)
	for after, back := range map[feed.Position]bool{early: false, least: false, late: true} {
		require.Equal(t, back, first(t, tab, after).Back, "%v", after)
	}
	later := now(t, tab)
	write(t, tab, version, 100)
	require.True(t, first(t, tab, later).Back, "a change at this revision may be lost, as far as the table knows")
}

// A reader of one of two primaries comes back to the other one, whose log no longer reaches back.
func TestPositionsOfTwoPrimaries(t *testing.T) {
	old := table.New("t", table.Config{Log: 10})
	write(t, old, 0, 50)
	common := now(t, old)
	promoted := old.Fork()
	write(t, old, 1000, 3)
	write(t, promoted, 2000, 3)
	for i, x := range [][2]*table.Table{{old, promoted}, {promoted, old}} {
		after := now(t, x[0])
		require.True(t, first(t, x[1], after).Back)
		write(t, x[1], uint64(3000+1000*i), 100)
		require.True(t, first(t, x[1], after).Back)
		require.False(t, first(t, x[1], common).Back)
	}
}

// The table goes back while a snapshot is read, and has more changes than before.
func TestPagesAreOfOneHistory(t *testing.T) {
	tab := table.New("t", table.Config{Pages: 4})
	version := write(t, tab, 0, 5)
	r := follow(tab)
	requireStep(t, r)
	version = write(t, tab, version, 2)
	requireStep(t, r)
	tab.Lose(1)
	write(t, tab, version, 5)
	require.ErrorIs(t, r.read(), table.ErrGap)
	r.start(tab)
	r.requireRead(t)
	require.True(t, r.WentBack(), "the second page was of a change that is lost")
}

// Any positions that a table ever had, after writes and losses, with a log of any length.
func TestPositionsAtRandom(t *testing.T) {
	seen := map[string]int{}
	seeds(t, 500, 100_000, func(t *testing.T, rnd *rand.Rand) {
		tab := table.New("t", table.Config{
			Log: 1 + rnd.IntN(60), Shared: rnd.IntN(2) == 0, Unused: rnd.Uint64N(2), ByRevision: rnd.IntN(2) == 0,
		})
		version, history, positions := uint64(0), []uint64{0}, []feed.Position{now(t, tab)}
		for range 100 {
			switch n := rnd.IntN(10); {
			case n < 7:
				var batch []table.Write
				for range 1 + rnd.IntN(4) {
					version++
					batch = append(batch, set(fmt.Sprint(version), 0, version))
					history = append(history, version)
				}
				put(t, tab, batch...)
			case n < 8:
				history = history[:len(history)-tab.Lose(1+rnd.IntN(6))]
			default:
				positions = append(positions, now(t, tab))
			}
			after := positions[rnd.IntN(len(positions))]
			lost, back := !slices.Contains(history, after.Version), first(t, tab, after).Back
			require.True(t, back || !lost, "%v is lost", after)
			seen[fmt.Sprint("lost ", lost, ", told ", back)]++
		}
	})
	t.Log(seen)
	if *oneSeed == 0 {
		for _, what := range []string{"lost false, told false", "lost false, told true", "lost true, told true"} {
			require.NotZero(t, seen[what], what)
		}
	}
}

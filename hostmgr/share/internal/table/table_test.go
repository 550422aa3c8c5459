package table_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

func TestABatchIsWrittenOrNot(t *testing.T) {
	tab := table.New("t", table.Config{})
	put(t, tab, set("a", 0, 1), set("b", 0, 2))
	for _, batch := range [][]table.Write{
		{set("c", 0, 3), set("a", 0, 4)},    // it is there
		{set("c", 0, 3), set("b", 1, 4)},    // another version
		{set("c", 0, 3), set("d", 1, 4)},    // it is not there
		{set("c", 0, 3), remove("b", 1, 4)}, // another version
	} {
		require.ErrorIs(t, tab.Put(batch), table.ErrVersion)
	}
	put(t, tab, set("a", 1, 5), remove("b", 2, 6))
	put(t, tab)
	r := follow(tab)
	r.requireRead(t)
	require.Equal(t, versions{"a": 5}, r.mirror)
	require.Equal(t, feed.Mark{Revision: 4, Version: 6}, r.Latest())
}

func TestRevisions(t *testing.T) {
	for name, c := range map[string]struct {
		table.Config
		want []uint64
	}{
		"one for each change": {table.Config{}, []uint64{1, 2, 3}},
		"one for a batch":     {table.Config{Shared: true}, []uint64{1, 1, 2}},
		"some unused":         {table.Config{Shared: true, Unused: 2}, []uint64{3, 3, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			tab := table.New("t", c.Config)
			r := follow(tab)
			r.requireRead(t)
			put(t, tab, set("a", 0, 10), set("b", 0, 11))
			put(t, tab, set("c", 0, 12))
			f, wait, err := r.cursor.Next()
			require.NoError(t, err)
			require.Nil(t, wait)
			var got, previous []uint64
			for _, x := range f.Changes {
				got, previous = append(got, x.Revision), append(previous, x.Previous)
			}
			require.Equal(t, c.want, got)
			require.Equal(t, []uint64{0, 10, 11}, previous)
		})
	}
}

func TestTheValueIsCopied(t *testing.T) {
	tab := table.New("t", table.Config{Pages: 1})
	w := set("a", 0, 1)
	put(t, tab, w)
	w.Value[0] = 9
	f, _, err := tab.Feed(feed.Position{}).Next()
	require.NoError(t, err)
	require.Equal(t, []byte{1}, f.Snapshot[0].Value)
}

func TestAWaitingReaderIsWoken(t *testing.T) {
	tab := table.New("t", table.Config{})
	waiting := func() <-chan struct{} {
		r := follow(tab)
		r.requireRead(t)
		_, wait, err := r.cursor.Next()
		require.NoError(t, err)
		require.NotNil(t, wait)
		return wait
	}
	closed := func(wait <-chan struct{}) bool {
		select {
		case <-wait:
			return true
		default:
			return false
		}
	}
	wait := waiting()
	require.ErrorIs(t, tab.Put([]table.Write{set("a", 1, 2)}), table.ErrVersion)
	put(t, tab)
	require.False(t, closed(wait))
	put(t, tab, set("a", 0, 1))
	require.True(t, closed(wait))

	wait = waiting()
	tab.SetDown(true)
	require.True(t, closed(wait))
	require.ErrorIs(t, tab.Put(nil), table.ErrDown)
	_, _, err := tab.Feed(feed.Position{}).Next()
	require.ErrorIs(t, err, table.ErrDown)
	tab.SetDown(false)
	waiting()
}

// A reader that falls behind the log has a gap. One that is just within it has none.
func TestTheLogIsBounded(t *testing.T) {
	const kept = 12
	for batch := 1; batch <= 3; batch++ {
		tab := table.New("t", table.Config{Log: kept, Chunk: 1})
		version := uint64(0)
		write := func(changes int) {
			for range changes / batch {
				var writes []table.Write
				for range batch {
					version++
					writes = append(writes, set(fmt.Sprint(version), 0, version))
				}
				put(t, tab, writes...)
			}
		}
		for range 100 {
			r := follow(tab)
			r.requireRead(t)
			write(kept)
			r.requireRead(t)
			require.Equal(t, version, r.Latest().Version)
			write(2*kept + batch)
			require.ErrorIs(t, r.read(), table.ErrGap)
		}
	}
}

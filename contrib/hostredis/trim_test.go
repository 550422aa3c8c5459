package hostredis_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostredis"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// The log keeps about as many changes as the Config says, whatever the size of the batches.
func TestLogIsTrimmed(t *testing.T) {
	t.Parallel()
	r := startServer(t)
	c := r.client()
	defer func() { _ = c.Close() }()
	s, err := hostredis.New(hostredis.Config{Client: c, Log: 1000})
	require.NoError(t, err)
	last := set("a", 0, "")
	require.NoError(t, s.Put(t.Context(), []share.Write{last}))
	for range 2000 {
		w := set("a", last.Version, "")
		require.NoError(t, s.Put(t.Context(), []share.Write{w}))
		last = w
	}
	require.InDelta(t, 1050, r.do("xlen", eventLog), 60)
	fill(t, s, "h/", 2000)
	require.InDelta(t, 15, r.do("xlen", eventLog), 120) // entries of 100 changes; Redis drops them in groups of 100
	require.Len(t, read(t, s, share.Position{}).waitSynced().records, 2001)
}

// The log keeps about as many bytes as the Config says, whatever the size of the values: the largest
// ones, a few, or small ones after large ones.
func TestLogIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	const bound = 4 << 20
	r := startServer(t)
	c := r.client()
	defer func() { _ = c.Close() }()
	s, err := hostredis.New(hostredis.Config{Client: c, LogBytes: bound})
	require.NoError(t, err)
	size := func() int64 { return r.do("memory", "usage", eventLog, "samples", 0).(int64) }
	f := read(t, s, share.Position{}).waitSynced()
	last := set("a", 0, "")
	require.NoError(t, s.Put(t.Context(), []share.Write{last}))
	for _, length := range []int{share.MaxValue, 400, share.MaxValue, 5000} {
		for i := range max(100, 2*bound/(length+1000)) {
			w := set("a", last.Version, strings.Repeat("v", length))
			require.NoError(t, s.Put(t.Context(), []share.Write{w}))
			last = w
			if i%16 == 0 {
				require.Less(t, size(), int64(bound*3/2))
			}
		}
		require.Greater(t, size(), int64(bound/2))
		require.Less(t, size(), int64(bound*3/2))
		f.waitFor(last)
	}
	require.Equal(t, last.Version, read(t, s, f.position()).waitSynced().records["a"].Version)
}

// After a reader has fallen behind the log it has a gap, and begins again.
func TestSlowReaderHasGap(t *testing.T) {
	t.Parallel()
	x := newTable(t)
	fill(t, x, "h/", 10)
	begun, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- x.Feed(t.Context(), share.Position{}, func(f share.Frame) bool {
			if f.Synced {
				close(begun)
				<-release
			}
			return true
		})
	}()
	<-begun
	fill(t, x, "i/", 10)
	require.NoError(t, x.raw.XTrimMaxLen(t.Context(), eventLog, 0).Err())
	fill(t, x, "j/", 10)
	close(release)
	require.ErrorIs(t, <-done, share.ErrGap)
}

package hostredis_test

import (
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

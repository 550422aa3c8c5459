package hostmgr_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// The first test of every embedder.
func TestTheFirstTestOfEveryEmbedder(t *testing.T) {
	for range times(200, 5000) {
		mock := clock.NewMock()
		r, err := hostmgr.New(hostmgr.Config[string]{Clock: mock})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 30 * second})
		require.NoError(t, err)
		mock.Add(61 * second)
		require.Zero(t, r.Len())
		require.Zero(t, r.Stats().Stalls)
		cancel()
		require.NoError(t, <-done)
	}
}

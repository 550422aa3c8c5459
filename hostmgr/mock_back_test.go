package hostmgr_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// Run goes on after a step back of its Mock: the silence of a host counts on from there.
func TestRunOnAMockThatStepsBack(t *testing.T) {
	mock := clock.NewMock()
	r, err := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
	require.NoError(t, err)
	mock.Add(second)
	mock.Set(mock.Now().Add(-time.Hour))
	require.Equal(t, 1, r.Len())
	mock.Add(3 * second)
	require.Zero(t, r.Len())
	require.Zero(t, r.Stats().Stalls)
	cancel()
	require.NoError(t, <-done)
}

package announcer_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// With a clock.Mock a test needs no synchronization: the time stands still while a host or the
// registry works.
func TestAMockMovesInStepWithTheHost(t *testing.T) {
	mock := clock.NewMock()
	r, err := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	require.NoError(t, err)
	var calls []time.Time // one call at a time, and none while the test looks
	host, err := announcer.New(announcer.Config[string]{
		ID: "a", Clock: mock, Leave: r.Leave,
		Announce: func(_ context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
			calls = append(calls, mock.Now())
			return r.Announce(a)
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- r.Run(ctx) }()
	go func() { done <- host.Run(ctx) }()
	mock.Add(time.Hour)
	require.Equal(t, 1, r.Len())
	require.Zero(t, r.Stats().Departures)
	require.InDelta(t, 121, len(calls), 1)
	for i, at := range calls[2:] {
		require.Equal(t, 30*second, at.Sub(calls[i+1]))
	}
	cancel()
	require.NoError(t, <-done)
	require.NoError(t, <-done)
}

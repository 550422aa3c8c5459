package hostmgr_test

import (
	"context"
	"testing"
	"time"

	bclock "github.com/benbjohnson/clock"
	"github.com/jonboulle/clockwork"
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

// The fakes of other modules do not wait for Run. But no step of theirs is a stall, so Run evicts a
// silent host as soon as it sees the step.
func TestTheFirstTestWithFakesOfOthers(t *testing.T) {
	theirs, benbjohnsons := clockwork.NewFakeClock(), bclock.NewMock()
	wrapped := &overtaken{FakeClock: clockwork.NewFakeClock()}
	for name, row := range map[string]struct {
		clock clock.Clock
		add   func(time.Duration)
	}{
		"clockwork":          {theirs, theirs.Advance},
		"one that embeds it": {wrapped, wrapped.Advance},
		"benbjohnson":        {benbjohnsons, benbjohnsons.Add},
	} {
		t.Run(name, func(t *testing.T) {
			evicted := make(chan time.Duration)
			r, err := hostmgr.New(hostmgr.Config[string]{
				Clock: row.clock,
				Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
					evicted <- d.Silence
					return nil
				},
			})
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- r.Run(ctx) }()
			_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 30 * second})
			require.NoError(t, err)
			row.add(61 * second)
			require.Greater(t, <-evicted, 60*second)
			require.Zero(t, r.Len())
			require.Zero(t, r.Stats().Stalls)
			cancel()
			require.NoError(t, <-done)
		})
	}
}

package hostmgr_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A cleanup that is owed is pending until its latency is recorded. So the figures never say that a
// host has left whose cleanup is neither pending nor done.
func TestStatsLoseNoCleanup(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return nil },
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range times(20_000, 500_000) {
			id := fmt.Sprint(i % 8)
			_, _ = s.Announce(hostmgr.Announcement[string]{ID: id, Interval: second})
			_ = s.Leave(context.Background(), id, 0)
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		stats := s.Stats()
		cleaned := stats.Latency.CleanupAfterLeave.Count
		require.LessOrEqual(t, stats.Departures.Left, uint64(stats.Cleanup.Pending)+cleaned)
	}
}

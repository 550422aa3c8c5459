package docs_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
	"github.com/hostlife/hostlife/hostmgr/hosttest"
)

// Edge gives hosts at the edge twice the time.
type Edge struct{}

func (Edge) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	if h.Zone == "edge" {
		return 3 * h.Interval, 6 * h.Interval
	}
	return 2 * h.Interval, 3 * h.Interval
}

func TestEdge(t *testing.T) { hosttest.TestPolicy(t, Edge{}) }

func TestTheOutageOfMay(t *testing.T) {
	log, err := os.Open("testdata/may.log") // written by Config.Recorder
	require.NoError(t, err)
	defer log.Close()
	for v, err := range flight.Replay(flight.Read(log), hostmgr.Fixed(3)) {
		require.NoError(t, err)
		require.True(t, v.Due.IsZero(), v) // Fixed(3) would have evicted no host
	}
}

func TestAShadowOnlyCounts(t *testing.T) {
	hosts := hosttest.Run(t, hostmgr.Config[string]{
		Policy: hostmgr.Fixed(3),
		Shadow: hostmgr.Fixed(2), // would it evict more hosts, and needlessly?
	})
	_, err := hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Minute})
	require.NoError(t, err)
	hosts.Advance(150 * time.Second)
	_, err = hosts.Heartbeat("a", 0)
	require.NoError(t, err)

	s := hosts.Stats()
	require.Zero(t, s.Departures.Evicted)
	require.EqualValues(t, 1, s.Shadow.Evictions)
	require.EqualValues(t, 1, s.Shadow.Rejoined)
}

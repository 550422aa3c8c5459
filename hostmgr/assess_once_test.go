package hostmgr_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A ticking clock moves at each reading. So two assessments of a host differ.
type tickingClock struct{ *clockwork.FakeClock }

func (c tickingClock) Now() time.Time {
	c.Advance(time.Millisecond)
	return c.FakeClock.Now()
}

func (c tickingClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// A host is assessed once for a departure. So its state, its evidence and the time of the departure
// are those of one moment.
func TestADepartureIsOfOneMoment(t *testing.T) {
	var cleanups cleanupLog
	clock := tickingClock{clockwork.NewFakeClock()}
	s := newScriptOn(t, clock.FakeClock, hostmgr.Config[string]{
		Clock: clock, StallThreshold: second, Cleanup: cleanups.cleanup, Recorder: io.Discard, Shadow: hostmgr.Fixed(3),
	})
	s.join("left")
	s.join("replaced")
	s.join("evicted")
	require.NoError(t, s.Leave(context.Background(), "left", 0))
	s.announce(hostmgr.Announcement[string]{ID: "replaced", Interval: time.Hour, Incarnation: 1 << 62})
	for !s.gone("evicted") {
		s.after(second / 2)
	}
	require.Len(t, cleanups.departures, 3)
	for _, d := range cleanups.departures {
		require.Equal(t, d.At.Sub(d.Host.LastContact), d.Silence+d.StallTime, "%v", d.Kind)
		if d.Kind == hostmgr.DepartureEvicted {
			require.Equal(t, hostmgr.StateOffline, d.Host.State)
			require.Greater(t, d.Silence, d.Timeout)
		}
	}
}

package hostmgr_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

func TestLatenciesAreRecorded(t *testing.T) {
	fail := true
	s := newScript(t, hostmgr.Config[string]{Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
		if d.Host.ID == "stubborn" && fail {
			return errNotNow
		}
		return nil
	}})
	s.join("silent")
	s.join("stubborn")
	s.join("left")
	s.join("forgotten")
	require.NoError(t, s.Forget("forgotten", 0))
	require.NoError(t, s.Leave(t.Context(), "left", 0))
	require.ErrorIs(t, s.Leave(t.Context(), "stubborn", 0), hostmgr.ErrCleanupPending)
	st := s.Stats()
	require.EqualValues(t, 1, st.Latency.CleanupAfterLeave.Count, "only of cleanups that succeeded")
	require.Zero(t, st.Latency.CleanupAfterLeave.Max)
	fail = false
	require.Equal(t, 2, s.after(2*second+7).Cleaned)
	st = s.Stats()
	require.EqualValues(t, 2, st.Latency.CleanupAfterLeave.Count)
	require.Equal(t, 2*second+7, st.Latency.CleanupAfterLeave.Max)
	for _, row := range []struct {
		what string
		of   histogram.Snapshot[time.Duration]
		want time.Duration
	}{
		{"detection", st.Latency.Detection, 2*second + 7},
		{"cleanup", st.Latency.CleanupAfterEviction, 7},
	} {
		require.EqualValues(t, 1, row.of.Count, row.what)
		require.Equal(t, row.want, row.of.Max, row.what)
	}
	replace := func(incarnation uint64) {
		s.announce(hostmgr.Announcement[string]{ID: "replaced", Interval: time.Hour, Incarnation: incarnation})
	}
	replace(1)
	replace(2)
	require.Equal(t, 1, s.Sweep(t.Context()).Cleaned)
	require.Equal(t, [2]uint64{2, 1}, [2]uint64{s.Stats().Latency.CleanupAfterLeave.Count, s.Stats().Latency.CleanupAfterEviction.Count}, "not of the replaced host")
	require.EqualValues(t, 1, st.Latency.SweepDuration.Count, "one that found something")
	s.after(time.Hour)
	require.EqualValues(t, 1, s.Stats().Latency.SweepDuration.Count)
}

// Latencies of detection and cleanup include the time for which a host was held.
func TestLatenciesOfAHeldHost(t *testing.T) {
	allow := false
	var d cleanupLog
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup, Confirm: func(_ context.Context, due hosts) (hosts, error) {
		if allow {
			return due, nil
		}
		return nil, nil
	}})
	s.join("a")
	s.after(2*second + 1)
	allow = true
	require.Equal(t, 1, s.after(3*second).Evicted)
	st := s.Stats()
	require.Equal(t, 5*second+1, st.Latency.Detection.Max)
	require.Equal(t, 3*second+1, st.Latency.CleanupAfterEviction.Max)
	require.Equal(t, 3*second, d.departures[0].HeldFor)
}

func TestSweepDurationIsRecorded(t *testing.T) {
	fake := clockwork.NewFakeClock()
	s := newScriptOn(t, fake, hostmgr.Config[string]{Clock: &ticking{fake, time.Millisecond}})
	s.join("a")
	fake.Advance(2 * second)
	require.Equal(t, 1, s.Sweep(context.Background()).Evicted)
	d := s.Stats().Latency.SweepDuration
	require.EqualValues(t, 1, d.Count)
	require.Equal(t, 2*time.Millisecond, d.Max, "one bucket, and the end")
}

// late is a clock that fires too late.
type late struct {
	clock.Clock
	by time.Duration
}

func (c late) After(d time.Duration) <-chan time.Time { return c.Clock.After(d + c.by) }

func TestSweepDelayIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{StallThreshold: second, Clock: late{clock.System(), 50 * time.Millisecond}})
		require.NoError(t, err)
		stop := run(t, r)
		time.Sleep(5600 * time.Millisecond) // ten waits of half a second, each 50 ms too long
		stop()
		st := r.Stats()
		require.EqualValues(t, 10, st.Latency.SweepDelay.Count)
		require.Equal(t, 50*time.Millisecond, st.Latency.SweepDelay.Min)
		require.Equal(t, 50*time.Millisecond, st.Latency.SweepDelay.Max)
	})
}

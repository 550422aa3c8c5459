package hostmgr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A host that is replaced, or moves to another zone, counts as one host.
func TestAReplacedHostCountsOnceForTheAdvisedInterval(t *testing.T) {
	for _, zone := range []string{"x", "y", ""} {
		s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: time.Hour, PerSecond: 0.01}})
		announce := func(id, zone string, incarnation uint64) {
			s.announce(hostmgr.Announcement[string]{ID: id, Zone: zone, Interval: second, Incarnation: incarnation})
		}
		announce("a", "x", 1)
		require.Equal(t, 100*second, s.Stats().AdvisedInterval)
		for i := range uint64(5) {
			s.clock.Advance(second)
			announce("a", zone, 2+2*i)
			require.Equal(t, 100*second, s.Stats().AdvisedInterval)
			announce("a", "x", 3+2*i)
			require.Equal(t, 100*second, s.Stats().AdvisedInterval)
			announce("a", zone, 0)
			s.after(second)
			require.Equal(t, 100*second, s.Stats().AdvisedInterval)
			require.Equal(t, 1, s.Stats().Hosts)
			require.Len(t, s.Stats().Zones, 1)
		}
		announce("b", "x", 1)
		require.Equal(t, 200*second, s.Stats().AdvisedInterval)
		require.NoError(t, s.Forget("b", 0))
		s.clock.Advance(200 * second)
		announce("a", "x", 100)
		require.Equal(t, 100*second, s.Stats().AdvisedInterval)
	}
}

// 20,000 hosts restart at once, and register again.
func TestHostsThatRestartTogetherAreSpread(t *testing.T) {
	o := newPacedFleet(t, 3, hostmgr.Pacing{Min: 10 * second, Max: 60 * second, PerSecond: 400})
	o.joinHosts(20_000, 0)
	o.pass(50 * second)
	require.LessOrEqual(t, o.peakOverMean(200*second), 3.0)
}

// peakOverMean divides the highest number of contacts in a tenth of a second, during the next d, by
// the average.
func (o *pacedFleet) peakOverMean(d time.Duration) float64 {
	const tenth = 100 * time.Millisecond
	var all []time.Duration // in order
	peak, first := 0, 0     // of the tenth of a second before the latest contact
	o.contact = func(at time.Duration) {
		for all = append(all, at); at-all[first] >= tenth; {
			first++
		}
		peak = max(peak, len(all)-first)
	}
	o.pass(d)
	return float64(peak) / (float64(len(all)) * tenth.Seconds() / d.Seconds())
}

package hostprom_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

// A shaded is a registry with a shadow, and its one host.
type shaded struct {
	*hostmgr.Registry[string]
	clock *clockwork.FakeClock
	t     *testing.T
}

func newShaded(t *testing.T, policy, shadow hostmgr.Policy) *shaded {
	clock := clockwork.NewFakeClockAt(start)
	r, err := hostmgr.New(hostmgr.Config[string]{
		Clock: clock, Policy: policy, Shadow: shadow, Cadence: hostmgr.Cadence{Min: second, PerSecond: 1000},
	})
	require.NoError(t, err)
	return &shaded{r, clock, t}
}

func (s *shaded) announce() {
	_, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
	require.NoError(s.t, err)
}

// shows requires these figures, and returns the sum of detections.
func (s *shaded) shows(evictions, returned, later, spared float64) (sum float64) {
	s.t.Helper()
	families := gather(s.t, &hostprom.Collector{Registries: map[string]func() hostmgr.Stats{"hosts": s.Stats}})
	got := values(families)
	for name, want := range map[string]float64{
		"shadow_evictions_total": evictions, "shadow_returned_total": returned, "shadow_later_total": later,
		"shadow_spared_total": spared, "advised_interval_seconds": 1,
	} {
		require.Equal(s.t, want, got[name+`{registry="hosts"}`], name)
	}
	return histograms(families)[`shadow_detection_seconds{registry="hosts"}`].GetSampleSum()
}

func TestAShadowThatIsStricter(t *testing.T) {
	s := newShaded(t, hostmgr.Multiple(4), hostmgr.Multiple(2))
	s.announce()
	s.clock.Advance(3 * second)
	s.announce()
	require.InDelta(t, 2, s.shows(1, 1, 0, 0), 1e-6)
	s.clock.Advance(5 * second)
	s.Sweep(t.Context())
	require.InDelta(t, 4, s.shows(2, 1, 0, 0), 1e-6)
}

func TestAShadowThatIsMorePatient(t *testing.T) {
	s := newShaded(t, hostmgr.Multiple(2), hostmgr.Multiple(9))
	s.announce()
	s.clock.Advance(3 * second)
	s.Sweep(t.Context())
	s.shows(0, 0, 1, 0)
	s.announce()
	require.Zero(t, s.shows(0, 0, 1, 1))
}

// The README's formula: one that is as strict as the policy would be as wrong, though it evicts
// nobody alone.
func TestFalseEvictionsOfAShadow(t *testing.T) {
	for _, x := range []struct {
		shadow hostmgr.Multiple
		want   float64
	}{{2, 1}, {1.5, 1}, {3, 1}, {5, 0}} {
		s := newShaded(t, hostmgr.Multiple(2), x.shadow)
		s.announce()
		s.clock.Advance(second * 21 / 10)
		s.Sweep(t.Context())
		s.clock.Advance(2 * second)
		s.announce()
		got := values(gather(t, &hostprom.Collector{Registries: map[string]func() hostmgr.Stats{"hosts": s.Stats}}))
		require.Equal(t, x.want, got[`shadow_returned_total{registry="hosts"}`]+got[`returned_total{registry="hosts"}`]-
			got[`shadow_spared_total{registry="hosts"}`], "%v", x.shadow)
	}
}

// The detections of both have the same bounds, and neither stands for the other's.
func TestDetectionsOfBoth(t *testing.T) {
	var h histogram.Histogram[time.Duration]
	h.Record(second)
	shapes := histograms(gather(t, one(hostmgr.Stats{Shadow: hostmgr.ShadowStats{Detection: h.Snapshot()}})))
	policy, shadow := shapes[`detection_seconds{registry="hosts"}`], shapes[`shadow_detection_seconds{registry="hosts"}`]
	require.Zero(t, policy.GetSampleCount())
	require.EqualValues(t, 1, shadow.GetSampleCount())
	require.Len(t, shadow.Bucket, len(policy.Bucket))
	for i, b := range shadow.Bucket {
		require.Equal(t, policy.Bucket[i].GetUpperBound(), b.GetUpperBound())
	}
}

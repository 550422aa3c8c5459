package hostprom_test

import (
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/hostmgr"
)

// A shaded is a registry with a second policy, and its only host.
type shaded struct {
	*hostmgr.Registry[string]
	clock *clockwork.FakeClock
	t     *testing.T
}

func newShaded(t *testing.T, policy, shadow hostmgr.Policy) *shaded {
	clock := clockwork.NewFakeClockAt(start)
	r, err := hostmgr.New(hostmgr.Config[string]{
		Clock: clock, Policy: policy, Shadow: shadow, Pacing: hostmgr.Pacing{Min: second, PerSecond: 1000},
	})
	require.NoError(t, err)
	return &shaded{r, clock, t}
}

func (s *shaded) announce() {
	_, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
	require.NoError(s.t, err)
}

// shows requires these figures of the second policy.
func (s *shaded) shows(evictions, rejoined float64) {
	s.t.Helper()
	got := values(gather(s.t, &hostprom.Collector{Registries: map[string]func() hostmgr.Stats{"hosts": s.Stats}}))
	for name, want := range map[string]float64{
		"shadow_evictions_total": evictions, "shadow_rejoined_total": rejoined, "advised_interval_seconds": 1,
	} {
		require.Equal(s.t, want, got[name+`{registry="hosts"}`], name)
	}
}

func TestStricterShadow(t *testing.T) {
	s := newShaded(t, hostmgr.Fixed(4), hostmgr.Fixed(2))
	s.announce()
	s.clock.Advance(3 * second)
	s.announce()
	s.shows(1, 1)
	s.clock.Advance(5 * second)
	s.Sweep(t.Context())
	s.shows(2, 1)
}

func TestMoreTolerantShadow(t *testing.T) {
	s := newShaded(t, hostmgr.Fixed(2), hostmgr.Fixed(9))
	s.announce()
	s.clock.Advance(3 * second)
	s.Sweep(t.Context())
	s.announce()
	s.clock.Advance(second)
	require.Zero(t, values(gather(t, &hostprom.Collector{Registries: map[string]func() hostmgr.Stats{"hosts": s.Stats}}))[`shadow_rejoined_total{registry="hosts"}`])
}

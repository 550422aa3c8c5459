package hostmgr_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// The boundary, to the nanosecond: the last moment at which a silent host is
// Alive, not suspect, and there.
func TestBoundariesToTheNanosecond(t *testing.T) {
	const odd = 1234567891 * time.Nanosecond
	for _, c := range []struct {
		policy                   hostmgr.Policy
		interval, suspect, evict time.Duration
	}{
		{nil, second, 1500 * time.Millisecond, 2 * second},
		{hostmgr.Multiple(2), odd, odd + odd/2, 2 * odd},
		{hostmgr.Multiple(2), 24 * time.Hour, 36 * time.Hour, 48 * time.Hour},
		{hostmgr.Multiple(3), odd, 2 * odd, 3 * odd},
		{hostmgr.Multiple(2.5), second, 1750 * time.Millisecond, 2500 * time.Millisecond},
		{hostmgr.Multiple(1), second, second, second},
		{hostmgr.Tiered{}, second, 31 * second, 301 * second},
		{hostmgr.Tiered{}, time.Hour, time.Hour + 30*second, time.Hour + 5*time.Minute},
		{hostmgr.Tiered{Jitter: second, Offline: 3 * second}, odd, odd + second, odd + 3*second},
		{hostmgr.Tiered{Jitter: second, Offline: second}, odd, odd + second, odd + second},
	} {
		t.Run(fmt.Sprintf("%v %v", c.policy, c.interval), func(t *testing.T) {
			s := newScript(t, hostmgr.Config[string]{Policy: c.policy})
			s.announce(hostmgr.Announcement[string]{ID: "a", Interval: c.interval})
			state := func(silence time.Duration) hostmgr.State {
				s.clock.Advance(silence - s.clock.Now().Sub(s.get("a").LastSeen))
				require.Zero(t, s.after(0).Evicted)
				return s.get("a").State
			}
			require.Equal(t, hostmgr.Alive, state(c.interval))
			if c.suspect > c.interval {
				require.Equal(t, hostmgr.Late, state(c.interval+1))
				require.Equal(t, hostmgr.Late, state(c.suspect))
			}
			if c.evict > c.suspect {
				require.Equal(t, hostmgr.Suspect, state(c.suspect+1))
				require.Equal(t, hostmgr.Suspect, state(c.evict))
				require.Equal(t, 1, s.Stats().Suspects)
			}
			require.Equal(t, 1, s.after(1).Evicted)
		})
	}
}

func TestAHugeMultipleSaturates(t *testing.T) {
	for _, m := range []hostmgr.Multiple{1e18, math.MaxFloat64} {
		suspect, evict := m.Patience(hostmgr.Pulse{Interval: 24 * time.Hour})
		require.Greater(t, evict, 30*365*24*time.Hour)
		require.Greater(t, evict, suspect)
		require.Positive(t, suspect)
	}
}

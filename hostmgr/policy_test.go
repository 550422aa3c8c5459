package hostmgr_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// The boundaries, to the nanosecond: the last moment at which a silent host is alive, not suspect,
// and not evicted.
func TestBoundariesToTheNanosecond(t *testing.T) {
	const odd = 1234567891 * time.Nanosecond
	for _, c := range []struct {
		policy                   hostmgr.Policy
		interval, suspect, evict time.Duration
	}{
		{nil, second, 1500 * time.Millisecond, 2 * second},
		{hostmgr.Fixed(2), odd, odd + odd/2, 2 * odd},
		{hostmgr.Fixed(2), 24 * time.Hour, 36 * time.Hour, 48 * time.Hour},
		{hostmgr.Fixed(3), odd, 2 * odd, 3 * odd},
		{hostmgr.Fixed(2.5), second, 1750 * time.Millisecond, 2500 * time.Millisecond},
		{hostmgr.Fixed(1.1), second, 1050 * time.Millisecond, 1100 * time.Millisecond},
		{hostmgr.Fixed(1.1), odd, odd + odd/20, odd + odd/10},
		{hostmgr.Fixed(1.1), 10 * time.Millisecond, 10500 * time.Microsecond, 11 * time.Millisecond},
		{hostmgr.Tiered{Jitter: 1, Offline: time.Millisecond}, 10 * time.Millisecond, 10*time.Millisecond + 1, 11 * time.Millisecond},
		{hostmgr.Tiered{}, second, 31 * second, 301 * second},
		{hostmgr.Tiered{}, time.Hour, time.Hour + 30*second, time.Hour + 5*time.Minute},
		{hostmgr.Tiered{Jitter: second, Offline: 3 * second}, odd, odd + second, odd + 3*second},
		{hostmgr.Tiered{Jitter: second, Offline: second}, odd, odd + second, odd + second},
	} {
		t.Run(fmt.Sprintf("%v %v", c.policy, c.interval), func(t *testing.T) {
			s := newScript(t, hostmgr.Config[string]{Policy: c.policy})
			s.announce(hostmgr.Announcement[string]{ID: "a", Interval: c.interval})
			state := func(silence time.Duration) hostmgr.State {
				s.clock.Advance(silence - s.clock.Now().Sub(s.get("a").LastContact))
				require.Zero(t, s.after(0).Evicted)
				return s.get("a").State
			}
			require.Equal(t, hostmgr.StateAlive, state(c.interval))
			if c.suspect > c.interval {
				require.Equal(t, hostmgr.StateLate, state(c.interval+1))
				require.Equal(t, hostmgr.StateLate, state(c.suspect))
			}
			if c.evict > c.suspect {
				require.Equal(t, hostmgr.StateSuspect, state(c.suspect+1))
				require.Equal(t, hostmgr.StateSuspect, state(c.evict))
				require.Equal(t, 1, s.Stats().Suspects)
			}
			require.Equal(t, 1, s.after(1).Evicted)
		})
	}
}

func TestAHugeFixedSaturates(t *testing.T) {
	for _, m := range []hostmgr.Fixed{1e18, math.MaxFloat64} {
		suspect, evict := m.Timeouts(hostmgr.History{Interval: 24 * time.Hour})
		require.Greater(t, evict, 30*365*24*time.Hour)
		require.Greater(t, evict, suspect)
		require.Positive(t, suspect)
	}
}

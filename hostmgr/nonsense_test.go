package hostmgr_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// punctual plays hosts that send 100 heartbeats each, every one on time, which is up to a
// millisecond after the interval. A sweep runs right before each heartbeat.
func (s *script) punctual(interval time.Duration) (evicted int) {
	s.t.Helper()
	s.announce(hostmgr.Announcement[string]{ID: "punctual", Interval: interval})
	for range 100 {
		evicted += s.after(interval + min(interval/20, time.Millisecond)).Evicted
		if _, err := s.Heartbeat("punctual", 0); err != nil {
			s.announce(hostmgr.Announcement[string]{ID: "punctual", Interval: interval})
		}
	}
	return evicted
}

var anyIntervals = []time.Duration{10 * time.Millisecond, 99 * time.Millisecond, second, 30 * second, 24 * time.Hour}

// Whatever the policy answers: either New refuses it, or no host that is on time is evicted.
func TestNoPolicyEvictsAHostThatIsOnTime(t *testing.T) {
	const ms = time.Millisecond
	overdue := func(d time.Duration) policyFunc {
		return func(h hostmgr.History) (time.Duration, time.Duration) { return 0, h.Interval + d }
	}
	for _, p := range []hostmgr.Policy{
		hostmgr.Fixed(1), hostmgr.Fixed(1.000001), hostmgr.Fixed(1.0999), hostmgr.Fixed(1.1),
		hostmgr.Tiered{Jitter: 1, Offline: 1}, hostmgr.Tiered{Jitter: 1, Offline: ms}, hostmgr.Tiered{Jitter: ms, Offline: 5 * ms},
		hostmgr.PhiAccrual{MaxOverdue: 1}, hostmgr.PhiAccrual{MaxOverdue: ms}, hostmgr.PhiAccrual{MinOverdue: 1, MaxOverdue: 10 * ms},
		hostmgr.PhiAccrual{Threshold: 0.5, MinOverdue: 1},
		overdue(-1), overdue(0), overdue(1), overdue(ms), overdue(10*ms - 1), overdue(10 * ms),
		steady{1}, steady{1.05}, struct{ hostmgr.Policy }{hostmgr.Fixed(1)}, struct{ hostmgr.Policy }{hostmgr.Fixed(0.5)},
	} {
		if _, err := hostmgr.New(hostmgr.Config[string]{Policy: p}); err != nil {
			require.ErrorIs(t, err, hostmgr.ErrInvalid)
			_, err = hostmgr.New(hostmgr.Config[string]{Shadow: p})
			require.ErrorIs(t, err, hostmgr.ErrInvalid, "as a shadow")
			continue
		}
		for _, interval := range anyIntervals {
			t.Run(fmt.Sprintf("%T %v %v", p, p, interval), func(t *testing.T) {
				s := newScript(t, hostmgr.Config[string]{Policy: p, Shadow: p})
				require.Zero(t, s.punctual(interval))
				require.Zero(t, s.Stats().Shadow.Evictions)
			})
		}
	}
}

// The bounds are no wider than needed: what is sensible stays valid.
func TestSensiblePoliciesAreValid(t *testing.T) {
	for _, p := range []hostmgr.Policy{
		hostmgr.Fixed(1.1), hostmgr.Fixed(1.2),
		hostmgr.Tiered{Jitter: 100 * time.Millisecond, Offline: 500 * time.Millisecond},
		hostmgr.Tiered{Jitter: 5 * time.Millisecond, Offline: 10 * time.Millisecond},
		hostmgr.PhiAccrual{MinOverdue: 1, MaxOverdue: 10 * time.Millisecond},
		struct{ hostmgr.Tiered }{}, struct{ hostmgr.PhiAccrual }{},
	} {
		for _, interval := range anyIntervals {
			s := newScript(t, hostmgr.Config[string]{Policy: p, Shadow: p})
			s.announce(hostmgr.Announcement[string]{ID: "a", Interval: interval})
			s.heartbeatsEvery("a", 20, interval)
			require.Zero(t, s.Stats().PolicyErrors, "%T %v at %v", p, p, interval)
		}
	}
}

// A policy of this package stays refused when it is part of another struct.
func TestAnEmbeddedPolicyIsValidated(t *testing.T) {
	for _, p := range []hostmgr.Policy{
		struct{ hostmgr.Fixed }{1}, &struct{ hostmgr.Tiered }{hostmgr.Tiered{Jitter: -1}},
		struct{ hostmgr.PhiAccrual }{hostmgr.PhiAccrual{MaxOverdue: 1}},
	} {
		_, err := hostmgr.New(hostmgr.Config[string]{Policy: p})
		require.ErrorIs(t, err, hostmgr.ErrInvalid)
	}
}

package flight_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// The stall threshold is longer than the timeout. After a stall the host has a contact, is due and is
// evicted, all within one gap.
func TestAnEvictionWithinAGapAfterAStall(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: 5 * time.Minute})
	s.join("a", 30*second)
	s.after(10 * time.Minute) // a stall
	s.clock.Advance(10 * second)
	s.join("a", 30*second)
	for range 20 {
		s.after(20 * second)
	}
	require.Zero(t, s.Len())
	verdicts := s.replay(hostmgr.Fixed(2))
	evicted := verdicts[len(verdicts)-1]
	require.Equal(t, "evicted", evicted.Kind)
	require.Empty(t, evicted.Change, "under the policy of the recording")
	require.Equal(t, evicted.Record.Due, evicted.Due)
}

// The policy of the recording reaches the same verdicts with any stall threshold, timeout and
// frequency of sweeps.
func TestAnyStallThreshold(t *testing.T) {
	total := 0
	for seed := range uint64(400) {
		total += playScript(t, seed)
	}
	require.Greater(t, total, 1000)
}

// playScript plays a random script, and returns the number of evictions.
func playScript(t *testing.T, seed uint64) (evicted int) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	some := func(d time.Duration) time.Duration { return 1 + time.Duration(rnd.Int64N(int64(d))) }
	gaps := []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, second, 30 * second, 5 * time.Minute, 10 * time.Minute}
	gap := gaps[rnd.IntN(len(gaps))]
	interval := 2*gap/time.Duration(1+rnd.IntN(20))*time.Duration(1+rnd.IntN(20)) + 20*time.Millisecond
	policies := []hostmgr.Policy{
		hostmgr.Fixed(2), hostmgr.Fixed(1.1), hostmgr.Fixed(40), hostmgr.PhiAccrual{},
		hostmgr.Tiered{Jitter: interval / 2, Offline: 2 * interval},
	}
	policy, other := policies[rnd.IntN(len(policies))], interval/2
	if _, ok := policy.(hostmgr.PhiAccrual); ok {
		other = interval // a history belongs to one interval
	}
	sweeps := 1 + rnd.IntN(4) // of four steps
	cfg := hostmgr.Config[string]{StallThreshold: gap, Policy: policy}
	if rnd.IntN(2) == 0 { // a host that is held may be due before a stall
		cfg.EvictionLimit = hostmgr.EvictionLimit{MaxFraction: 0.3, MaxHold: 5 * interval}
	}
	s := newScript(t, cfg)
	for range 300 {
		s.clock.Advance(some([]time.Duration{gap / 3, interval / 3, gap, 3 * interval}[rnd.IntN(4)]))
		if rnd.IntN(15) == 0 {
			s.clock.Advance(gap + some(3*gap)) // a stall, unless a sweep comes only after the contact
		}
		if rnd.IntN(4) < sweeps {
			s.Sweep(context.Background())
		}
		switch id := strconv.Itoa(rnd.IntN(3)); rnd.IntN(8) {
		case 0:
			_ = s.Leave(context.Background(), id, 0)
		case 1:
			_ = s.Observe(id, 0, some(gap))
		case 2, 3:
			s.join(id, interval)
		case 4:
			s.join(id, other)
		}
	}
	for range 10 {
		s.after(some(gap))
	}
	for _, v := range s.replay(policy) {
		require.Empty(t, v.Change, "seed %d: %v\n%+v", seed, v, v)
		require.Equal(t, v.Record.Due, v.Due, "seed %d: %v\n%+v", seed, v, v)
		if v.Kind == "evicted" {
			evicted++
			require.False(t, v.Due.IsZero(), "seed %d: %v", seed, v)
		}
	}
	return evicted
}

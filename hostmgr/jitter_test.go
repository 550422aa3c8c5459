package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// The clock jitters around the real time. A host is not evicted before it was silent for its
// timeout in real time, and later by at most the jitter.
func TestAClockThatJittersEvictsNoHostEarly(t *testing.T) {
	for seed := range uint64(times(50, 5000)) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		amplitude := []time.Duration{time.Millisecond, 50 * time.Millisecond, second / 2}[seed%3]
		s := newScript(t, hostmgr.Config[string]{})
		start, passed, off := s.clock.Now(), time.Duration(0), time.Duration(0)
		pass := func(d time.Duration) {
			passed += d
			off = time.Duration(rnd.Int64N(int64(2*amplitude))) - amplitude
			s.clock.Advance(start.Add(passed + off).Sub(s.clock.Now()))
		}
		pass(10 * second)
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * second})
		joined := passed
		for s.Sweep(context.Background()).Evicted == 0 {
			require.Less(t, passed-joined, 20*second+4*amplitude, "seed %d", seed)
			pass(amplitude / 2)
		}
		require.Greater(t, passed-joined, 20*second-2*amplitude, "seed %d", seed)
	}
}

// The clock goes two steps forward and one back, for an hour. The registry's time moves by one
// hour, not by three.
func TestTimeDoesNotRunFastOnAClockThatJitters(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Tiered{Offline: time.Hour}})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
	for range 3600 {
		require.Zero(t, s.after(2*second).Evicted)
		s.after(-second)
	}
	s.clock.Advance(2 * second)
	require.Equal(t, 1, s.after(1).Evicted)
}

// Restore keeps a time of joining in the distant past.
func TestRestoreKeepsAnOldTimeOfJoining(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for id, years := range map[string]int{"a": 1, "b": 147, "c": 290} {
		joined := s.clock.Now().AddDate(-years, 0, 0)
		_, err := s.Restore(slices.Values([]hostmgr.Host[string]{{ID: id, Joined: joined}}))
		require.NoError(t, err)
		require.Equal(t, joined, s.get(id).Joined)
	}
	_, err := s.Restore(slices.Values([]hostmgr.Host[string]{{ID: "d", Joined: time.Unix(-1e11, 0)}}))
	require.NoError(t, err)
	require.InDelta(t, 292, s.clock.Now().Sub(s.get("d").Joined).Hours()/24/365.25, 1, "no further back than that")
}

// The clock jumps by centuries, forward or back or both. A silent host is evicted in time
// afterwards, and the times shown are close to the clock.
func TestAClockThatJumpsByCenturies(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, jumps := range [][]time.Duration{
		{-10 * year}, {-57 * year}, {-200 * year}, {200 * year}, {200 * year, -200 * year},
		{100 * year, -100 * year, 100 * year, -100 * year},
	} {
		s := newScript(t, hostmgr.Config[string]{StallThreshold: time.Minute})
		for _, d := range jumps {
			s.after(d)
		}
		s.join("a")
		require.InDelta(t, 0, s.clock.Now().Sub(s.get("a").LastContact).Seconds(), 60, "%v", jumps)
		require.Zero(t, s.after(second).Evicted)
		s.after(second)
		require.Equal(t, 1, s.after(1).Evicted, "%v", jumps)
	}
}

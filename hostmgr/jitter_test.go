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
	for seed := range uint64(times(10, 5000)) {
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

package hostmgr_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

type never struct{}

func (never) Timeouts(hostmgr.History) (suspect, evict time.Duration) { return 0, 0 }

func TestNextReturnsFalseIfSilenceNeverEvicts(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: never{}})
	s.join("a")
	_, ok := s.Next()
	require.False(t, ok)
	s.after(1000 * time.Hour)
	s.heartbeat("a")
	s.join("a")
	_, ok = s.Next()
	require.False(t, ok)
	require.Equal(t, 1, s.Len())
}

// soon suspects early and evicts late.
type soon struct{}

func (soon) Timeouts(hostmgr.History) (suspect, evict time.Duration) { return 2 * second, 10 * second }

// The observed contact of a suspect is a second old, so its next suspicion comes a second earlier.
func TestNextFollowsTheObservedContactOfASuspect(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: soon{}})
	s.join("a")
	start := s.clock.Now()
	require.Equal(t, 1, s.after(2500*time.Millisecond).Suspected)
	require.NoError(t, s.Observe("a", 0, second))
	next, ok := s.Next()
	require.True(t, ok)
	require.Equal(t, start.Add(3500*time.Millisecond+1), next)
	require.Equal(t, 1, s.after(next.Sub(s.clock.Now())).Suspected)
}

// byInterval has a timeout for each interval.
type byInterval map[time.Duration][2]time.Duration

func (p byInterval) Timeouts(history hostmgr.History) (suspect, evict time.Duration) {
	return p[history.Interval][0], p[history.Interval][1]
}

// A sweep ignores the entry of a host that left, whatever the timeouts of other hosts.
func TestASweepIgnoresHostsThatLeft(t *testing.T) {
	policy := byInterval{time.Hour: {0, 0}, second: {0, 2 * second}}
	for range 20 { // because positions depend on a hash
		s := newScript(t, hostmgr.Config[string]{Policy: policy})
		s.announce(hostmgr.Announcement[string]{ID: "gone", Interval: time.Hour})
		s.join("dies")
		require.NoError(t, s.Leave(context.Background(), "gone", 0))
		require.Equal(t, 1, s.after(3*second).Evicted)
		require.Zero(t, s.Len())
	}
}

func TestASuspectThatLeftIsNotSuspectedAgain(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: byInterval{second: {2 * second, 0}}})
	s.join("gone")
	s.join("stays")
	require.Equal(t, 2, s.after(3*second).Suspected)
	require.NoError(t, s.Leave(context.Background(), "gone", 0))
	s.heartbeat("stays")
	require.Zero(t, s.Stats().Suspects)
	require.Equal(t, 1, s.after(3*second).Suspected)
	require.Equal(t, 1, s.Stats().Suspects)
}

func TestASuspicionThatNeverComes(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: byInterval{second: {math.MaxInt64, 0}}})
	s.clock.Advance(second)
	s.join("a")
	require.Zero(t, s.after(1000*time.Hour).Suspected)
	require.Equal(t, hostmgr.StateLate, s.get("a").State)
}

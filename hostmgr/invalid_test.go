package hostmgr_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func TestInvalidAnnouncementsAreErrorsAndChangeNothing(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	before := s.get("a")
	long := strings.Repeat("x", 1025)
	for what, a := range map[string]hostmgr.Announcement[string]{
		"empty id":          {Interval: second},
		"id over 1 KiB":     {ID: long, Interval: second},
		"zone over 1 KiB":   {ID: "a", Zone: long, Interval: second},
		"negative interval": {ID: "a", Interval: -second},
		"interval < 10 ms":  {ID: "a", Interval: 10*time.Millisecond - 1},
		"interval > 24 h":   {ID: "a", Interval: 24*time.Hour + 1},
		"absurd interval":   {ID: "a", Interval: math.MaxInt64},
		"negative extreme":  {ID: "a", Interval: math.MinInt64},
	} {
		_, err := s.Announce(a)
		require.ErrorIs(t, err, hostmgr.ErrInvalid, what)
		require.Equal(t, before, s.get("a"), what)
		require.Equal(t, 1, s.Len(), what)
	}
}

func TestExtremeValuesAreAllowed(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	name := strings.Repeat("x", 1024)
	s.announce(hostmgr.Announcement[string]{ID: name, Zone: name, Interval: 10 * time.Millisecond})
	s.announce(hostmgr.Announcement[string]{ID: "\x00\xff not UTF-8", Interval: 24 * time.Hour})
	ack := s.announce(hostmgr.Announcement[string]{ID: "default"})
	require.Equal(t, hostmgr.DefaultInterval, ack.Interval)
	require.Equal(t, hostmgr.DefaultInterval, s.get("default").Interval)
	require.Equal(t, 3, s.Len())
}

func TestUnknownHostsAreErrors(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for _, id := range []string{"", "b", strings.Repeat("x", 5000)} {
		_, err := s.Heartbeat(id, 0)
		require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
		require.ErrorIs(t, s.Leave(context.Background(), id, 0), hostmgr.ErrUnknownHost)
		require.ErrorIs(t, s.Observe(id, 0, 0), hostmgr.ErrUnknownHost)
		require.ErrorIs(t, s.Forget(id, 0), hostmgr.ErrUnknownHost)
		require.True(t, s.gone(id))
	}
}

func TestAFullRegistryRefusesOnlyNewHosts(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{MaxHosts: 2})
	s.join("a")
	ack := s.join("b")
	_, err := s.Announce(hostmgr.Announcement[string]{ID: "c", Interval: second})
	require.ErrorIs(t, err, hostmgr.ErrFull)
	s.join("a")
	s.announce(hostmgr.Announcement[string]{ID: "b", Interval: second, Incarnation: ack.Incarnation + 1})
	require.NoError(t, s.Leave(context.Background(), "a", 0))
	require.EqualValues(t, 1, s.Stats().Refused)
	s.join("c")
	require.Equal(t, []string{"b", "c"}, s.ids())
	require.EqualValues(t, 1, s.Stats().Refused)
}

func TestInvalidConfigsAreErrors(t *testing.T) {
	for _, bad := range []struct {
		says string
		cfg  hostmgr.Config[string]
	}{
		{"Fixed(NaN)", hostmgr.Config[string]{Policy: hostmgr.Fixed(math.NaN())}},
		{"Fixed(+Inf)", hostmgr.Config[string]{Policy: hostmgr.Fixed(math.Inf(1))}},
		{"Fixed(-Inf)", hostmgr.Config[string]{Policy: hostmgr.Fixed(math.Inf(-1))}},
		{"Fixed(0)", hostmgr.Config[string]{Policy: hostmgr.Fixed(0)}},
		{"at least 1.1", hostmgr.Config[string]{Policy: hostmgr.Fixed(0.999)}},
		{"at least 1.1", hostmgr.Config[string]{Policy: hostmgr.Fixed(1)}},
		{"at least 1.1", hostmgr.Config[string]{Shadow: hostmgr.Fixed(1.0999)}},
		{"on time", hostmgr.Config[string]{Policy: hostmgr.Tiered{Jitter: 1, Offline: 1}}},
		{"on time", hostmgr.Config[string]{Shadow: hostmgr.Tiered{Jitter: 1, Offline: time.Millisecond - 1}}},
		{"on time", hostmgr.Config[string]{Policy: hostmgr.PhiAccrual{MaxOverdue: 1}}},
		{"negative duration", hostmgr.Config[string]{Policy: hostmgr.Tiered{Jitter: -1}}},
		{"negative duration", hostmgr.Config[string]{Policy: hostmgr.Tiered{Jitter: second, Offline: -1}}},
		{"below Jitter", hostmgr.Config[string]{Policy: hostmgr.Tiered{Jitter: time.Minute, Offline: second}}},
		{"longer than", hostmgr.Config[string]{Policy: hostmgr.Tiered{Offline: math.MaxInt64}}},
		{"Config.Policy", hostmgr.Config[string]{Policy: (*hostmgr.Tiered)(nil)}},
		{"CleanupWorkers", hostmgr.Config[string]{CleanupWorkers: -1}},
		{"MaxHosts", hostmgr.Config[string]{MaxHosts: -1}},
		{"ConfirmTimeout", hostmgr.Config[string]{ConfirmTimeout: -1}},
		{"StallThreshold", hostmgr.Config[string]{StallThreshold: 10*time.Millisecond - 1}},
	} {
		_, err := hostmgr.New(bad.cfg)
		require.ErrorIs(t, err, hostmgr.ErrInvalid, bad.says)
		require.ErrorContains(t, err, bad.says)
	}
}

// A policyFunc is a custom policy.
type policyFunc func(hostmgr.History) (suspect, evict time.Duration)

func (f policyFunc) Timeouts(p hostmgr.History) (suspect, evict time.Duration) { return f(p) }

func TestAnInvalidAnswerOfAPolicyIsReplaced(t *testing.T) {
	for what, f := range map[string]policyFunc{
		"panics":              func(hostmgr.History) (time.Duration, time.Duration) { panic("oops") },
		"negative suspicion":  func(hostmgr.History) (time.Duration, time.Duration) { return -1, time.Hour },
		"negative eviction":   func(hostmgr.History) (time.Duration, time.Duration) { return 0, -1 },
		"evicts the punctual": func(p hostmgr.History) (time.Duration, time.Duration) { return 0, p.Interval - 1 },
	} {
		s := newScript(t, hostmgr.Config[string]{Policy: f})
		s.join("a")
		s.join("b")
		require.Equal(t, uint64(1), s.Stats().PolicyErrors, what)
		require.Zero(t, s.after(2*second).Evicted, what)
		require.Equal(t, 2, s.after(1).Evicted, what)
	}
}

func TestAPolicyMayReturnAnyTimeout(t *testing.T) {
	for what, c := range map[string]struct{ suspect, evict time.Duration }{
		"no suspicion":         {0, 5 * second},
		"late suspicion":       {9 * second, 5 * second},
		"suspicion right away": {1, 5 * second},
	} {
		s := newScript(t, hostmgr.Config[string]{Policy: policyFunc(
			func(hostmgr.History) (time.Duration, time.Duration) { return c.suspect, c.evict })})
		s.join("a")
		rep := s.after(5 * second)
		require.Zero(t, rep.Evicted, what)
		require.Equal(t, c.suspect == 1, rep.Suspected == 1, what)
		require.Equal(t, 1, s.after(1).Evicted, what)
	}
}

func TestAPolicyMayNeverEvict(t *testing.T) {
	for _, evict := range []time.Duration{0, math.MaxInt64} {
		s := newScript(t, hostmgr.Config[string]{Policy: policyFunc(
			func(hostmgr.History) (time.Duration, time.Duration) { return 2 * second, evict })})
		s.join("a")
		require.Equal(t, 1, s.after(3*second).Suspected)
		for range 20 {
			require.Zero(t, s.after(365*24*time.Hour).Evicted)
		}
		require.Equal(t, hostmgr.StateSuspect, s.get("a").State)
		require.Equal(t, evict == 0, s.get("a").EvictAt.IsZero())
		s.heartbeat("a")
		require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	}
}

func TestAClockThatJumpsFarDoesNoHarm(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second})
	s.join("a")
	for _, jump := range []time.Duration{math.MaxInt64, math.MinInt64, math.MinInt64, math.MaxInt64, -1, math.MaxInt64} {
		s.clock.Advance(jump)
		s.heartbeat("a")
		require.Zero(t, s.Sweep(context.Background()).Evicted)
		s.join("a")
		require.Equal(t, hostmgr.StateAlive, s.get("a").State)
		_, _ = s.Next()
	}
	require.Equal(t, []string{"a"}, s.ids())
}

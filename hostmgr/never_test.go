package hostmgr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

const year = 365 * 24 * time.Hour

// strictPolicy fails the test if it is asked about a host that makes no contacts.
type strictPolicy struct {
	t       *testing.T
	history bool
}

func (p strictPolicy) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	if h.Interval > 24*time.Hour {
		p.t.Errorf("asked about %+v", h)
	}
	return h.Interval * 3 / 2, 2 * h.Interval
}

func (p strictPolicy) NeedsHistory() bool { return p.history }

// neverConfigs has a Config for each part that computes with intervals.
func neverConfigs(t *testing.T) map[string]hostmgr.Config[string] {
	return map[string]hostmgr.Config[string]{
		"plain":    {},
		"history":  {Policy: hostmgr.PhiAccrual{}, Shadow: hostmgr.Tiered{}},
		"own":      {Policy: strictPolicy{t, false}, Shadow: strictPolicy{t, false}},
		"own too":  {Policy: strictPolicy{t, true}, Shadow: strictPolicy{t, true}},
		"recorder": {Recorder: &bytes.Buffer{}, Shadow: hostmgr.Fixed(3)},
		"pacing":   {Pacing: hostmgr.Pacing{Min: second, Max: minute, PerSecond: 0.1, Jitter: 0.5}},
		"limit":    {EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1, PerSecond: 1}, StallThreshold: minute},
	}
}

// A static host is there for ever, next to hosts that come and go.
func TestAHostWithTheIntervalNeverIsNotEvictedByTime(t *testing.T) {
	for what, cfg := range neverConfigs(t) {
		s := newScript(t, cfg)
		ack := s.announce(hostmgr.Announcement[string]{ID: "static", Interval: hostmgr.Never})
		require.Equal(t, hostmgr.Never, ack.Interval, what)
		joined := s.clock.Now()
		for _, later := range []time.Duration{0, 1, second, minute, 25 * time.Hour, 100 * time.Hour, year, 30 * year} {
			s.join("a")
			s.after(later)
			s.Reconsider()
			for range 3 {
				s.after(minute)
			}
			require.Equal(t, hostmgr.Host[string]{
				ID: "static", State: hostmgr.StateAlive, Interval: hostmgr.Never, Incarnation: ack.Incarnation,
				Registration: ack.Registration, Joined: joined, LastContact: joined,
			}, s.get("static"), what)
			require.Equal(t, "static", s.Sample(1, func(h hostmgr.Host[string]) bool { return h.ID == "static" })[0].ID)
		}
		require.Zero(t, s.Stats().Conflicts)
		require.Zero(t, s.Stats().PolicyErrors)
		require.NoError(t, s.Leave(context.Background(), "static", 0))
		require.EqualValues(t, 1, s.Stats().Departures.Left)
	}
}

// A test sets a Mock, which begins in 1970, to today's date. A static host is not late then.
func TestAStaticHostIsAliveWhateverTheTime(t *testing.T) {
	for what, cfg := range neverConfigs(t) {
		s := newScript(t, cfg)
		s.announce(hostmgr.Announcement[string]{ID: "static", Interval: hostmgr.Never})
		s.after(60 * year)
		require.Equal(t, hostmgr.StateAlive, s.get("static").State, what)
		s.after(60 * year)
		require.Equal(t, hostmgr.StateAlive, s.get("static").State, what)
		next := s.next(cfg)
		require.Equal(t, hostmgr.StateAlive, next.get("static").State, what)
		require.Len(t, next.Sample(1, nil, hostmgr.StateAlive), 1, what)
	}
}

func TestNextHasNoDeadlineOfAStaticHost(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "static", Interval: hostmgr.Never})
	_, ok := s.Next()
	require.False(t, ok)
}

// Heartbeats and announces of a static host are contacts. It is told no other interval.
func TestAStaticHostMayMakeContacts(t *testing.T) {
	for what, cfg := range neverConfigs(t) {
		s := newScript(t, cfg)
		for i := range 40 {
			s.announce(hostmgr.Announcement[string]{ID: "other " + string(rune('a'+i)), Interval: second})
		}
		s.announce(hostmgr.Announcement[string]{ID: "static", Interval: hostmgr.Never})
		for i := range 20 {
			s.clock.Advance(time.Duration(i) * minute)
			ack, err := s.Heartbeat("static", 0)
			require.NoError(t, err)
			require.Equal(t, hostmgr.Never, ack.Interval, what)
			require.Equal(t, s.clock.Now(), s.get("static").LastContact)
			s.clock.Advance(second)
			require.NoError(t, s.Observe("static", 0, second/2))
			require.Equal(t, s.clock.Now().Add(-second/2), s.get("static").LastContact)
			ack = s.announce(hostmgr.Announcement[string]{ID: "static", Metadata: string(rune('a' + i))})
			require.Equal(t, hostmgr.Never, ack.Interval, "no interval means the one that it has")
			s.Sweep(context.Background())
		}
		require.Zero(t, s.Stats().Conflicts, what)
		require.Equal(t, hostmgr.StateAlive, s.get("static").State)
	}
}

// A host has a finite interval for some time, and Never for some time.
func TestARefreshMayChangeNeverToAFiniteIntervalAndBack(t *testing.T) {
	for what, cfg := range neverConfigs(t) {
		s := newScript(t, cfg)
		was := s.announce(hostmgr.Announcement[string]{ID: "a", Interval: hostmgr.Never})
		for range 5 {
			s.after(time.Hour)
			ack := s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
			require.Less(t, ack.Interval, 2*minute, what)
			require.Equal(t, was.Registration, ack.Registration)
			require.False(t, s.get("a").EvictAt.IsZero(), what)
			for range 20 {
				s.clock.Advance(second)
				s.heartbeat("a")
			}
			if cfg.StallThreshold == 0 {
				s.clock.Advance(s.get("a").SuspectAt.Sub(s.clock.Now()) + 1)
				s.Sweep(context.Background())
				require.Equal(t, hostmgr.StateSuspect, s.get("a").State, what)
			}
			s.announce(hostmgr.Announcement[string]{ID: "a", Interval: hostmgr.Never})
			require.Zero(t, s.Stats().Suspects, what)
			require.True(t, s.get("a").EvictAt.IsZero() && s.get("a").SuspectAt.IsZero(), what)
		}
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		for range 100 {
			s.after(10 * second)
		}
		require.True(t, s.gone("a"), what)
	}
}

// Two machines announce one static id. Only their speakers show that.
func TestASpeakerKeepsAStaticHost(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	announce := func(speaker string, incarnation uint64) error {
		_, err := s.Announce(hostmgr.Announcement[string]{
			ID: "a", Interval: hostmgr.Never, Speaker: speaker, Metadata: speaker, Incarnation: incarnation,
		})
		return err
	}
	require.NoError(t, announce("one", 5))
	s.after(year)
	require.ErrorIs(t, announce("two", 5), hostmgr.ErrConflict)
	require.ErrorIs(t, announce("two", 4), hostmgr.ErrStale)
	require.NoError(t, announce("two", 6))
	require.EqualValues(t, 1, s.Stats().Departures.Replaced)
}

// A snapshot that crosses an encoding keeps Never.
func TestRestoreKeepsNever(t *testing.T) {
	for what, cfg := range neverConfigs(t) {
		s := newScript(t, cfg)
		s.announce(hostmgr.Announcement[string]{ID: "static", Interval: hostmgr.Never})
		s.clock.Advance(year)
		text, err := json.Marshal(slices.Collect(s.All()))
		require.NoError(t, err)
		var hosts []hostmgr.Host[string]
		require.NoError(t, json.Unmarshal(text, &hosts))
		cfg.Clock = s.clock
		next := newScriptOn(t, s.clock, cfg)
		_, err = next.Restore(slices.Values(hosts))
		require.NoError(t, err)
		for range 3 {
			require.Equal(t, s.get("static"), next.get("static"), what)
			s.clock.Advance(year)
			next.Sweep(context.Background())
		}
	}
}

// The log of a registry with static hosts is read and replayed.
func TestTheRecordOfAStaticHost(t *testing.T) {
	var log bytes.Buffer
	s := newScript(t, hostmgr.Config[string]{Recorder: &log})
	s.announce(hostmgr.Announcement[string]{ID: "static", Interval: hostmgr.Never})
	s.join("a")
	s.after(time.Hour)
	s.heartbeat("static")
	s.announce(hostmgr.Announcement[string]{ID: "static"})
	s.clock.Advance(time.Hour)
	require.NoError(t, s.Leave(context.Background(), "static", 0))
	s.Sweep(context.Background())
	var kinds []string
	for r, err := range flight.Read(bytes.NewReader(log.Bytes())) {
		require.NoError(t, err)
		kinds = append(kinds, r.Kind)
		if r.ID == "static" {
			require.Equal(t, hostmgr.Never, r.History.Interval)
		}
	}
	require.Equal(t, []string{"begin", "joined", "joined", "evicted", "left"}, kinds)
	for _, p := range []hostmgr.Policy{hostmgr.Fixed(2), hostmgr.PhiAccrual{}, strictPolicy{t, true}} {
		for v, err := range flight.Replay(flight.Read(bytes.NewReader(log.Bytes())), p) {
			require.NoError(t, err)
			require.Equal(t, v.ID == "a", !v.Due.IsZero(), "%T %+v", p, v)
		}
	}
}

// Any sequence of contacts and sweeps: the last announce that names an interval decides.
func TestNeverUnderRandomContacts(t *testing.T) {
	for what, cfg := range neverConfigs(t) {
		s := newScript(t, cfg)
		rnd := rand.New(rand.NewPCG(3, 3))
		want := hostmgr.Never
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: want})
		for range times(2000, 100_000) {
			s.clock.Advance(time.Duration(rnd.IntN(400)) * time.Millisecond)
			var ack hostmgr.Ack
			switch rnd.IntN(4) {
			case 0:
				ack, _ = s.Heartbeat("a", 0)
			case 1:
				ack = s.announce(hostmgr.Announcement[string]{ID: "a"})
			case 2:
				want = []time.Duration{minute, hostmgr.Never}[rnd.IntN(2)]
				ack = s.announce(hostmgr.Announcement[string]{ID: "a", Interval: want})
			default:
				s.Sweep(context.Background())
				continue
			}
			h := s.get("a")
			require.Equal(t, want == hostmgr.Never, ack.Interval == hostmgr.Never, what)
			require.Equal(t, want == hostmgr.Never, h.Interval == hostmgr.Never, what)
			require.Equal(t, want == hostmgr.Never, h.EvictAt.IsZero(), what)
		}
	}
}

package flight_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

const second = time.Second

// A script is a registry on a fake clock, driven by hand, and its log.
type script struct {
	*hostmgr.Registry[string]
	clock *clockwork.FakeClock
	log   bytes.Buffer
	t     testing.TB
}

func newScript(t testing.TB, cfg hostmgr.Config[string]) *script {
	s := &script{clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)), t: t}
	cfg.Clock, cfg.Recorder = s.clock, &s.log
	var err error
	s.Registry, err = hostmgr.New(cfg)
	require.NoError(t, err)
	return s
}

func (s *script) join(id string, interval time.Duration) {
	_, err := s.Announce(hostmgr.Announcement[string]{ID: id, Interval: interval})
	require.NoError(s.t, err)
}

func (s *script) after(d time.Duration) {
	s.clock.Advance(d)
	s.Sweep(context.Background())
}

func (s *script) records() (all []flight.Record) {
	s.Sweep(context.Background())
	for r, err := range flight.Read(bytes.NewReader(s.log.Bytes())) {
		require.NoError(s.t, err, s.log.String())
		all = append(all, r)
	}
	return all
}

func (s *script) replay(p hostmgr.Policy) (all []flight.Verdict) {
	s.Sweep(context.Background())
	for v, err := range flight.Replay(flight.Read(bytes.NewReader(s.log.Bytes())), p) {
		require.NoError(s.t, err)
		all = append(all, v)
	}
	return all
}

func TestTheRecorderWritesTheseRecords(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: 2 * second})
	start := s.clock.Now()
	at := func(d time.Duration) time.Time { return start.Add(d).UTC() }
	id := "a \"b\"\n\xff=é"
	_, err := s.Announce(hostmgr.Announcement[string]{ID: id, Interval: second, Zone: "z 1", Incarnation: 7})
	require.NoError(t, err)
	for range 3 { // on time: nothing is written
		s.after(second)
		_, err = s.Heartbeat(id, 0)
		require.NoError(t, err)
	}
	s.after(1600 * time.Millisecond)
	_, err = s.Heartbeat(id, 0)
	require.NoError(t, err)
	s.after(5 * second) // a stall
	s.after(2 * second)
	s.after(second + 1)
	require.Zero(t, s.Len())
	s.join("b", second)
	require.NoError(t, s.Leave(context.Background(), "b", 0))

	history := hostmgr.History{Interval: second}
	registration := s.records()[1].Registration
	want := []flight.Record{
		{Kind: "begin", Line: 2, At: at(0), Policy: "fixed:2"},
		{Kind: "joined", Line: 3, At: at(0), ID: id, Registration: registration, Incarnation: 7, Zone: "z 1", History: history},
		{Kind: "late", Line: 4, At: at(4600 * time.Millisecond), ID: id, Registration: registration, History: history,
			LastContact: at(3 * second), Timeout: 2 * second, LastSweep: at(4600 * time.Millisecond)},
		{Kind: "stall", Line: 5, At: at(9600 * time.Millisecond), From: at(4600 * time.Millisecond), Limit: 2 * second},
		{Kind: "evicted", Line: 6, At: at(12600*time.Millisecond + 1), ID: id, Registration: registration, History: history,
			LastContact: at(4600 * time.Millisecond), Timeout: 2 * second, Due: at(12600 * time.Millisecond), StallTime: 5 * second,
			LastSweep: at(12600*time.Millisecond + 1)},
	}
	got := s.records()
	require.Equal(t, want, got[:5])
	require.Equal(t, []string{"joined", "left"}, []string{got[5].Kind, got[6].Kind})
	require.EqualValues(t, 6, s.Stats().Recorder.Records)
	for _, b := range s.log.Bytes() {
		require.True(t, b == '\n' || b >= ' ' && b < 127, "all in ASCII, no control characters")
	}
}

func TestHeldHostsAreRecorded(t *testing.T) {
	refuse := true
	s := newScript(t, hostmgr.Config[string]{
		EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5},
		Confirm: func(_ context.Context, due []hostmgr.Host[string]) ([]hostmgr.Host[string], error) {
			if refuse {
				return nil, nil
			}
			return due, nil
		},
	})
	for i := range 4 {
		s.join(strconv.Itoa(i), second)
	}
	for range 10 {
		s.after(second / 2)
		_, _ = s.Heartbeat("0", 0)
	}
	for range 2 {
		_, _ = s.Heartbeat("1", 0)
		_, _ = s.Heartbeat("2", 0)
	}
	for range 5 {
		s.after(second)
		for i := range 3 {
			_, _ = s.Heartbeat(strconv.Itoa(i), 0)
		}
	}
	refuse = false
	s.after(second)
	var kinds []string
	for _, r := range s.records() {
		kinds = append(kinds, fmt.Sprint(r.Kind, " ", r.ID, " ", r.By))
	}
	log := strings.Join(kinds, "\n")
	require.Contains(t, log, "held 3 eviction limit: 3 of 4 hosts of zone \"\" are missing")
	require.Contains(t, log, "late 1 eviction limit: 3 of 4 hosts of zone \"\" are missing")
	require.Contains(t, log, "held 3 refused by Confirm")
	require.Contains(t, log, "evicted 3 eviction limit: ")
	for _, v := range s.replay(hostmgr.Fixed(2)) {
		require.Empty(t, v.Change, v)
	}
}

// The policy of the recording reaches the same verdicts, to the nanosecond.
func TestTheSamePolicyReachesTheSameVerdicts(t *testing.T) {
	total := uint64(0)
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		policy := []hostmgr.Policy{
			hostmgr.Fixed(2), hostmgr.Fixed(1.1), hostmgr.PhiAccrual{}, hostmgr.PhiAccrual{Threshold: 1, MinOverdue: 1, MaxOverdue: 3 * second},
			hostmgr.Tiered{Jitter: second, Offline: 4 * second},
		}[seed%5]
		cfg := hostmgr.Config[string]{Policy: policy}
		if seed%2 == 0 {
			cfg.StallThreshold = second
			cfg.EvictionLimit = hostmgr.EvictionLimit{MaxFraction: 0.3, MaxHold: 5 * second}
		}
		if seed%3 == 0 {
			cfg.Shadow = hostmgr.PhiAccrual{}
		}
		s := newScript(t, cfg)
		start := s.clock.Now()
		for s.clock.Since(start) < time.Minute {
			s.clock.Advance(time.Duration(1 + rnd.Int64N(int64(second/10))))
			if rnd.IntN(40) == 0 {
				s.clock.Advance(time.Duration(rnd.Int64N(int64(4 * second))))
			}
			if rnd.IntN(4) > 0 {
				s.Sweep(context.Background())
			}
			id := strconv.Itoa(rnd.IntN(20))
			switch rnd.IntN(30) {
			case 0:
				_ = s.Leave(context.Background(), id, 0)
			case 1:
				_ = s.Observe(id, 0, time.Duration(rnd.Int64N(int64(second))))
			case 2:
				_, _ = s.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Duration(1+rnd.IntN(3)) * second, Incarnation: uint64(rnd.IntN(2)) << 62})
			default:
				if _, err := s.Heartbeat(id, 0); err != nil {
					s.join(id, time.Duration(1+rnd.IntN(3))*second)
				}
			}
		}
		s.after(10 * second)
		stats := s.Stats()
		evicted := uint64(0)
		for _, v := range s.replay(policy) {
			require.Empty(t, v.Change, "seed %d: %v\n%+v", seed, v, v)
			require.Equal(t, v.Record.Due, v.Due)
			if v.Kind == "evicted" {
				evicted++
				require.False(t, v.Due.IsZero())
				require.True(t, v.Due.Before(v.At))
			}
		}
		require.Equal(t, stats.Departures.Evicted, evicted)
		total += evicted
	}
	require.Greater(t, total, uint64(500))
}

func TestAnotherPolicyReachesOtherVerdicts(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("back", second)
	s.join("gone", second)
	s.join("late", second)
	s.join("left", second)
	s.after(1800 * time.Millisecond)
	_, err := s.Heartbeat("late", 0)
	require.NoError(t, err)
	require.NoError(t, s.Leave(context.Background(), "left", 0))
	s.after(200*time.Millisecond + 1)
	require.Equal(t, 1, s.Len())
	s.after(1500 * time.Millisecond)
	_, err = s.Heartbeat("late", 0)
	require.NoError(t, err)
	s.after(second)
	s.join("back", second)
	for range 20 {
		s.after(second)
		_, err = s.Heartbeat("late", 0)
		require.NoError(t, err)
		_, err = s.Heartbeat("back", 0)
		require.NoError(t, err)
	}

	changes := func(p hostmgr.Policy) map[string][]string {
		got := map[string][]string{}
		for _, v := range s.replay(p) {
			if v.Change != "" {
				got[v.ID] = append(got[v.ID], v.Change)
				require.Contains(t, v.String(), v.Change)
			}
		}
		return got
	}
	require.Empty(t, changes(hostmgr.Fixed(2)))
	require.Equal(t, map[string][]string{
		"back": {"would have been kept: it joined again 2.5s after its eviction"},
		"gone": {"would have been due 3s later"},
	}, changes(hostmgr.Fixed(5)))
	require.Equal(t, map[string][]string{
		"back": {"would have been due 2s later"},
		"gone": {"would have been due 2s later"},
	}, changes(hostmgr.Fixed(4)))
	require.Equal(t, map[string][]string{
		"back": {"would have been due 300ms earlier"},
		"gone": {"would have been due 300ms earlier"},
		"late": {"would have been evicted, and had a contact 100ms after", "would have been evicted, and had a contact 1ns after",
			"would have been evicted, and had a contact 300ms after"},
		"left": {"would have been evicted 100ms before"},
	}, changes(hostmgr.Fixed(1.7)))
	never := func(hostmgr.History) (time.Duration, time.Duration) { return 0, 0 }
	require.Equal(t, map[string][]string{
		"back": {"would have been kept: it joined again 2.5s after its eviction"},
		"gone": {"would not have been evicted"},
	}, changes(policyFunc(never)))
}

type policyFunc func(hostmgr.History) (suspect, evict time.Duration)

func (f policyFunc) Timeouts(p hostmgr.History) (suspect, evict time.Duration) { return f(p) }

// Verdicts about hosts that never joined again come in the order of the log.
func TestVerdictsAreInOrder(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 100 {
		s.join(strconv.Itoa(i), second)
	}
	s.after(3 * second)
	line := 0
	for _, v := range s.replay(hostmgr.Fixed(4)) {
		require.Greater(t, v.Line, line)
		line = v.Line
	}
	require.Equal(t, 202, line)
}

func FuzzReplay(f *testing.F) {
	s := newScript(f, hostmgr.Config[string]{StallThreshold: second})
	s.join("a", second)
	s.after(second)
	s.after(5 * second)
	s.after(second)
	s.after(5 * second)
	s.records()
	f.Add(s.log.String())
	f.Add("begin version=2 start=5 at=0;\nstall at=500000000000000 from=1 limit=10;\nlate at=500000000000001 id=\"a\" interval=86400000000000 last-contact=2;\n")
	f.Fuzz(func(t *testing.T, log string) {
		for v, err := range flight.Replay(flight.Read(strings.NewReader(log)), hostmgr.Fixed(2)) {
			if err == nil {
				_ = v.String()
			}
		}
	})
}

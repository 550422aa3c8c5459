package hostmgr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// next passes the hosts, by way of JSON, to the registry of the next process.
func (s *script) next(cfg hostmgr.Config[string], owed ...hostmgr.Departure[string]) *script {
	s.t.Helper()
	hosts, departures := slices.Collect(s.All()), slices.Values(owed)
	text, err := json.Marshal(hosts)
	require.NoError(s.t, err)
	hosts = nil
	require.NoError(s.t, json.Unmarshal(text, &hosts))
	cfg.Clock = s.clock
	next := newScriptOn(s.t, s.clock, cfg)
	_, err = next.Restore(slices.Values(hosts), departures)
	require.NoError(s.t, err)
	return next
}

// Half of the hosts are cut off when the scheduler restarts. They are not offered, still count as
// missing, and are not evicted before their full timeout.
func TestAHostThatWasSuspectIsSuspectAfterARestart(t *testing.T) {
	for what, silent := range map[string]time.Duration{"suspect": 1600 * time.Millisecond, "offline": 3 * second} {
		for _, cfg := range []hostmgr.Config[string]{{}, {Policy: strictPolicy{t, true}}, {Recorder: &bytes.Buffer{}, Shadow: hostmgr.Fixed(3)}} {
			cfg.EvictionLimit = hostmgr.EvictionLimit{MaxFraction: 0.3}
			s := newScript(t, cfg)
			for i := range 4 {
				s.join("gone " + strconv.Itoa(i))
			}
			s.after(silent)
			for i := range 4 {
				s.join("there " + strconv.Itoa(i))
			}
			last := s.get("gone 0").LastContact
			for range 3 {
				s = s.next(cfg)
				restart := s.clock.Now()
				require.Equal(t, 4, s.Stats().Suspects, what)
				for i := range 4 {
					h := s.get("gone " + strconv.Itoa(i))
					require.Equal(t, hostmgr.StateSuspect, h.State, what)
					require.True(t, last.Equal(h.LastContact), what)
					require.True(t, restart.Add(2*second).Equal(h.EvictAt), what)
					require.True(t, h.SuspectAt.Before(restart), what)
					require.Equal(t, hostmgr.StateAlive, s.get("there "+strconv.Itoa(i)).State)
				}
				require.Len(t, s.Sample(8, nil), 4, what)
				require.Zero(t, s.after(second).Evicted)
				for i := range 4 {
					s.heartbeat("there " + strconv.Itoa(i))
				}
				require.Equal(t, 4, s.Stats().Suspects, "a sweep does not end a suspicion because the silence is short")
			}
			r := s.after(second + 1)
			require.Equal(t, 4, r.Held, "the limit counts them: %s %+v", what, r)
			require.Zero(t, r.Evicted)
			s.heartbeat("gone 0")
			require.EqualValues(t, 1, s.Stats().Recovered)
			require.Equal(t, hostmgr.StateAlive, s.get("gone 0").State)
		}
	}
}

// Without a limit it is evicted after its full timeout, and the evidence says so.
func TestARestoredSuspectHasItsFullTimeout(t *testing.T) {
	log := &cleanupLog{}
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.clock.Advance(time.Hour)
	s = s.next(hostmgr.Config[string]{Cleanup: log.cleanup})
	require.Zero(t, s.after(2*second).Evicted)
	require.Equal(t, hostmgr.StateSuspect, s.get("a").State)
	require.Equal(t, 1, s.after(1).Evicted)
	d := log.departures[0]
	require.Equal(t, 2*second+1, d.Silence)
	require.Equal(t, time.Hour, d.BeforeRestore)
	require.Zero(t, s.Stats().Suspects)
}

// Watchers see a join and a suspicion, and with the first contact the recovery.
func TestTheEventsOfARestoredSuspect(t *testing.T) {
	for what, contact := range map[string]func(*script) error{
		"heartbeat": func(s *script) error { _, err := s.Heartbeat("a", 0); return err },
		"announce":  func(s *script) error { return s.as(0) },
		"observe":   func(s *script) error { return s.Observe("a", 0, 0) },
		"as of":     func(s *script) error { _, err := s.ago(0); return err },
	} {
		for _, later := range []time.Duration{0, 1, second} {
			old := newScript(t, hostmgr.Config[string]{})
			old.join("a")
			old.clock.Advance(minute)
			s := newScriptOn(t, old.clock, hostmgr.Config[string]{Clock: old.clock})
			var kinds []hostmgr.EventKind
			for e := range s.Watch(t.Context()) {
				kinds = append(kinds, e.Kind)
				switch e.Kind {
				case hostmgr.EventSynced:
					_, err := s.Restore(old.All())
					require.NoError(t, err)
				case hostmgr.EventSuspected:
					require.Equal(t, s.get("a"), e.Host)
					s.after(later)
					require.NoError(t, contact(s))
				case hostmgr.EventRecovered:
					require.Equal(t, hostmgr.StateAlive, e.Host.State)
				}
				if e.Kind == hostmgr.EventRecovered {
					break
				}
			}
			require.Equal(t, []hostmgr.EventKind{
				hostmgr.EventSynced, hostmgr.EventJoined, hostmgr.EventSuspected, hostmgr.EventRecovered,
			}, kinds, what)
			require.Zero(t, s.Stats().Suspects)
			require.Equal(t, s.clock.Now(), s.get("a").LastContact)
		}
	}
}

// A contact with another scheduler before the restart ends a suspicion only if it was not long
// before.
func TestAnObservationFromBeforeTheRestartOfASuspect(t *testing.T) {
	old := newScript(t, hostmgr.Config[string]{})
	old.join("a")
	old.clock.Advance(minute)
	s := old.next(hostmgr.Config[string]{})
	for _, row := range []struct {
		age   time.Duration
		state hostmgr.State
	}{
		{2 * minute, hostmgr.StateSuspect}, {30 * second, hostmgr.StateSuspect},
		{1500*time.Millisecond + 1, hostmgr.StateSuspect}, {1500 * time.Millisecond, hostmgr.StateLate},
	} {
		require.NoError(t, s.Observe("a", 0, row.age))
		require.Equal(t, row.state, s.get("a").State, row)
	}
	require.EqualValues(t, 1, s.Stats().Recovered)
}

// Hosts that are made by hand, or have an interval of Never, are no suspects.
func TestSnapshotsWithoutASuspect(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	n, err := s.Restore(slices.Values([]hostmgr.Host[string]{
		{ID: "a", LastContact: s.clock.Now().Add(-time.Hour)},
		{ID: "b", LastContact: s.clock.Now().Add(-time.Hour), State: hostmgr.StateLate},
		{ID: "c", State: hostmgr.StateOffline, Interval: hostmgr.Never},
		{ID: "d", State: hostmgr.StateSuspect},
	}))
	require.NoError(t, err)
	require.Equal(t, 4, n)
	for id, state := range map[string]hostmgr.State{
		"a": hostmgr.StateLate, "b": hostmgr.StateLate, "c": hostmgr.StateAlive, "d": hostmgr.StateSuspect,
	} {
		require.Equal(t, state, s.get(id).State, id)
	}
	require.Equal(t, 1, s.Stats().Suspects)
}

// Random registries are restored again and again. State, contacts and figures are the same as
// before.
func TestSnapshotsOfRandomRegistries(t *testing.T) {
	for i, cfg := range []hostmgr.Config[string]{
		{}, {Policy: hostmgr.Tiered{Jitter: second, Offline: 5 * second}}, {Policy: hostmgr.PhiAccrual{}},
		{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.2, PerSecond: 1}},
	} {
		rnd := rand.New(rand.NewPCG(uint64(i), 9))
		s := newScript(t, cfg)
		suspects := 0
		for range times(40, 1000) {
			for range 100 {
				id, zone := strconv.Itoa(rnd.IntN(30)), strconv.Itoa(rnd.IntN(3))
				s.clock.Advance(time.Duration(rnd.IntN(100)) * time.Millisecond)
				switch rnd.IntN(5) {
				case 0:
					interval := []time.Duration{second, 3 * second, hostmgr.Never}[rnd.IntN(3)]
					s.announce(hostmgr.Announcement[string]{ID: id, Metadata: id, Zone: zone, Interval: interval})
				case 1:
					_ = s.Leave(context.Background(), id, 0)
				case 2:
					s.Sweep(context.Background())
				default:
					_, _ = s.Heartbeat(id, 0)
				}
			}
			before, at := s.hosts(), s.clock.Now()
			s.clock.Advance(time.Duration(rnd.IntN(3)) * second)
			down := s.clock.Now().Sub(at)
			missing := 0
			next := s.next(cfg)
			for _, was := range s.hosts() {
				h := next.get(was.ID)
				require.Equal(t, min(was.State, hostmgr.StateSuspect), h.State, "%v %v %+v", down, before[was.ID], h)
				if h.State == hostmgr.StateSuspect {
					missing++
				}
				require.True(t, was.LastContact.Equal(h.LastContact))
				require.True(t, was.Joined.Equal(h.Joined))
				if h.Interval != hostmgr.Never {
					require.False(t, h.EvictAt.Before(next.clock.Now().Add(h.Interval)), "its full timeout")
				}
				require.Equal(t, [4]any{was.Zone, was.Interval, was.Incarnation, was.Registration}, [4]any{h.Zone, h.Interval, h.Incarnation, h.Registration})
			}
			require.Equal(t, missing, next.Stats().Suspects)
			require.Equal(t, s.Len(), next.Len())
			require.Zero(t, next.Sweep(context.Background()).Evicted)
			require.Equal(t, missing, next.Stats().Suspects)
			suspects += missing
			s = next
		}
		require.NotZero(t, suspects)
	}
}

func (s *script) hosts() map[string]hostmgr.Host[string] {
	hosts := map[string]hostmgr.Host[string]{}
	for h := range s.All() {
		hosts[h.ID] = h
	}
	return hosts
}

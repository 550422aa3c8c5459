package hostmgr_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// restored is a registry with host "a" of the interval 30 s, which was silent for so long when it
// was restored.
func restored(t *testing.T, silent time.Duration, cfg hostmgr.Config[string]) *script {
	s := newScript(t, cfg)
	s.clock.Advance(second)
	n, err := s.Restore(slices.Values([]hostmgr.Host[string]{{
		ID: "a", Interval: 30 * second, Joined: s.clock.Now().Add(-time.Hour), LastContact: s.clock.Now().Add(-silent),
	}}))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	return s
}

// A host had been silent for 5 min when the registry was restarted. It is not shown as alive,
// though it has its full timeout.
func TestAHostThatWasSilentBeforeRestoreIsLate(t *testing.T) {
	var joined []hostmgr.Host[string]
	s := restored(t, 5*minute, hostmgr.Config[string]{
		Policy: hostmgr.Tiered{}, EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1},
	})
	restart, last := s.clock.Now(), s.clock.Now().Add(-5*minute)
	for e := range s.Watch(t.Context()) {
		if e.Kind == hostmgr.EventSynced {
			break
		}
		joined = append(joined, e.Host)
	}
	for _, h := range slices.Concat(joined, slices.Collect(s.All()), s.Sample(3, nil), []hostmgr.Host[string]{s.get("a")}) {
		require.Equal(t, hostmgr.StateLate, h.State)
		require.True(t, last.Equal(h.LastContact))
		require.Equal(t, restart.Add(minute), h.SuspectAt)
		require.Equal(t, restart.Add(5*minute+30*second), h.EvictAt)
	}
	require.Len(t, s.Sample(3, nil), 1)
	s.after(minute)
	require.Equal(t, hostmgr.StateLate, s.get("a").State)
	require.Zero(t, s.Stats().Suspects)
	s.after(1)
	require.Equal(t, hostmgr.StateSuspect, s.get("a").State)
	require.Equal(t, 1, s.Stats().Suspects)
	require.True(t, last.Equal(s.get("a").LastContact))
	require.Zero(t, s.after(4*minute+30*second-1).Evicted)
	require.Equal(t, 1, s.after(1).Evicted)
}

// A watcher that is there already is told the same.
func TestAWatcherSeesThatARestoredHostIsLate(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	last := s.clock.Now().Add(-5 * minute)
	for e := range s.Watch(t.Context()) {
		switch e.Kind {
		case hostmgr.EventSynced:
			_, err := s.Restore(slices.Values([]hostmgr.Host[string]{{ID: "a", LastContact: last}}))
			require.NoError(t, err)
		case hostmgr.EventJoined:
			require.Equal(t, s.get("a"), e.Host)
			require.Equal(t, hostmgr.StateLate, e.Host.State)
			return
		}
	}
}

// Any contact counts, also one at the very moment of the Restore.
func TestARestoredHostThatIsHeardIsAlive(t *testing.T) {
	for what, contact := range map[string]func(*script) error{
		"heartbeat": func(s *script) error { _, err := s.Heartbeat("a", 0); return err },
		"announce":  func(s *script) error { _, err := s.Announce(hostmgr.Announcement[string]{ID: "a"}); return err },
		"observe":   func(s *script) error { return s.Observe("a", 0, 0) },
	} {
		for _, later := range []time.Duration{0, 1, 31 * second} {
			for _, cfg := range []hostmgr.Config[string]{
				{}, {Recorder: &bytes.Buffer{}}, {Policy: hostmgr.PhiAccrual{}},
				{Pacing: hostmgr.Pacing{Min: 30 * second, PerSecond: 1}},
			} {
				s := restored(t, 5*minute, cfg)
				s.clock.Advance(later)
				require.Equal(t, hostmgr.StateLate, s.get("a").State)
				require.NoError(t, contact(s))
				for range 2 {
					h := s.get("a")
					require.Equal(t, hostmgr.StateAlive, h.State, what)
					require.Equal(t, s.clock.Now(), h.LastContact, what)
					s.Sweep(context.Background())
				}
			}
		}
	}
}

// A contact of before the Restore, which another scheduler has heard, is not one of now.
func TestAnObservationFromBeforeRestore(t *testing.T) {
	for _, cfg := range []hostmgr.Config[string]{{}, {Recorder: &bytes.Buffer{}}, {Policy: hostmgr.PhiAccrual{}}} {
		s := restored(t, 5*minute, cfg)
		evictAt := s.get("a").EvictAt
		for _, row := range []struct {
			age, shown time.Duration
			state      hostmgr.State
		}{
			{time.Hour, 5 * minute, hostmgr.StateLate},
			{minute, minute, hostmgr.StateLate},
			{2 * minute, minute, hostmgr.StateLate},
			{20 * second, 20 * second, hostmgr.StateAlive},
		} {
			require.NoError(t, s.Observe("a", 0, row.age))
			h := s.get("a")
			require.Equal(t, row.shown, s.clock.Now().Sub(h.LastContact))
			require.Equal(t, row.state, h.State)
			require.Equal(t, evictAt, h.EvictAt)
		}
		s.clock.Advance(10*second + 1)
		require.Equal(t, hostmgr.StateLate, s.get("a").State)
	}
}

func TestLastContactsOfRestore(t *testing.T) {
	for what, row := range map[string]struct {
		last  func(now time.Time) time.Time
		shown time.Duration // ago
		late  bool
	}{
		"unknown":              {func(time.Time) time.Time { return time.Time{} }, 0, false},
		"future":               {func(now time.Time) time.Time { return now.Add(time.Hour) }, 0, false},
		"now":                  {func(now time.Time) time.Time { return now }, 0, false},
		"within interval":      {func(now time.Time) time.Time { return now.Add(-30 * second) }, 30 * second, false},
		"beyond interval":      {func(now time.Time) time.Time { return now.Add(-30*second - 1) }, 30*second + 1, true},
		"years ago":            {func(now time.Time) time.Time { return now.Add(-876_600 * time.Hour) }, 876_600 * time.Hour, true},
		"more than a Duration": {func(time.Time) time.Time { return time.Unix(-1e11, 0) }, 1<<63 - 1, true},
	} {
		s := newScript(t, hostmgr.Config[string]{})
		_, err := s.Restore(slices.Values([]hostmgr.Host[string]{{ID: "a", LastContact: row.last(s.clock.Now())}}))
		require.NoError(t, err)
		h := s.get("a")
		require.Equal(t, row.shown, s.clock.Now().Sub(h.LastContact), what)
		require.Equal(t, row.late, h.State == hostmgr.StateLate, what)
		require.Equal(t, s.clock.Now().Add(time.Minute), h.EvictAt, what)
		s.clock.Advance(31 * second)
		require.Equal(t, hostmgr.StateLate, s.get("a").State, what)
	}
}

// A crash loop: the last contact of a dead host stays what it is over restarts.
func TestRestartsKeepTheLastContact(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	last := s.clock.Now()
	for range 3 {
		s.clock.Advance(1900 * time.Millisecond)
		next := newScriptOn(t, s.clock, hostmgr.Config[string]{Clock: s.clock})
		_, err := next.Restore(s.All())
		require.NoError(t, err)
		s = next
		require.True(t, last.Equal(s.get("a").LastContact))
		require.Equal(t, hostmgr.StateSuspect, s.get("a").State, "as it was")
	}
}

// The evidence says what was silence and what was not.
func TestTheEvidenceOfARestoredHost(t *testing.T) {
	log := &cleanupLog{}
	s := restored(t, 5*minute, hostmgr.Config[string]{Cleanup: log.cleanup})
	require.Equal(t, 1, s.after(minute+1).Evicted)
	d := log.departures[0]
	require.Equal(t, minute+1, d.Silence)
	require.Equal(t, 5*minute, d.BeforeRestore)
	require.Equal(t, d.At.Sub(d.Host.LastContact), d.Silence+d.StallTime+d.BeforeRestore)
	require.Equal(t, "silent for 1m0.000001s, timeout 1m0s at an interval of 30s; not counting 5m0s before it was restored", d.Reason())

	s = restored(t, 5*minute, hostmgr.Config[string]{Cleanup: log.cleanup})
	s.heartbeat("a")
	require.Equal(t, 1, s.after(minute+1).Evicted)
	require.Zero(t, log.departures[1].BeforeRestore)

	s = restored(t, 5*minute, hostmgr.Config[string]{Cleanup: log.cleanup})
	require.NoError(t, s.Leave(context.Background(), "a", 0))
	require.Equal(t, 5*minute, log.departures[2].BeforeRestore)
}

// Sweeps release what was kept of restored hosts that were heard of, and departures the rest.
func TestRestoredHostsThatAreHeardTakeNoMemory(t *testing.T) {
	const hosts = 20_000
	kept := make([]hostmgr.Host[string], hosts)
	s := newScript(t, hostmgr.Config[string]{})
	cycle := func(last time.Time) (grown int64) {
		for i := range kept {
			kept[i] = hostmgr.Host[string]{ID: strconv.Itoa(i), Interval: second, LastContact: last, Registration: uint64(i) + 1}
		}
		before := heap()
		_, err := s.Restore(slices.Values(kept))
		require.NoError(t, err)
		s.clock.Advance(1)
		for i := range kept {
			s.heartbeat(kept[i].ID)
		}
		for range hosts/1024 + 1 {
			s.after(1)
		}
		grown = heap() - before
		require.Equal(t, hosts, s.Len())
		require.Equal(t, hosts, s.after(3*second).Evicted)
		return grown
	}
	cycle(time.Time{})
	plain, late := cycle(time.Time{}), cycle(s.clock.Now().Add(-minute))
	require.Less(t, (late-plain)/hosts, int64(10), "bytes a host")
	before := heap()
	for range 3 {
		cycle(s.clock.Now().Add(-minute))
	}
	require.Less(t, heap()-before, int64(10*hosts))
	require.Zero(t, s.Len())
}

// Hosts are restored, heard of, observed, removed and swept at once. A host that was heard of after
// the Restore is never shown with an older contact.
func TestRestoresAgainstAllElse(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.clock.Advance(time.Hour)
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 5))
			for range times(2000, 100_000) {
				id := strconv.Itoa(w) + strconv.Itoa(rnd.IntN(5))
				_, err := s.Restore(slices.Values([]hostmgr.Host[string]{{
					ID: id, Interval: minute, LastContact: s.clock.Now().Add(-5 * minute), Registration: 1 + rnd.Uint64N(3),
				}}))
				if err != nil {
					t.Error(err)
				}
				from := s.clock.Now()
				switch rnd.IntN(5) {
				case 0:
					_, err = s.Heartbeat(id, 0)
				case 1:
					err = s.Observe(id, 0, 0)
				case 2:
					_, err = s.Announce(hostmgr.Announcement[string]{ID: id})
				case 3:
					_ = s.Observe(id, 0, 2*minute)
					continue
				default:
					_ = s.Forget(id, 0)
					continue
				}
				h, ok := s.Get(id)
				if err != nil || !ok || h.State != hostmgr.StateAlive || h.LastContact.Before(from) {
					t.Errorf("%v, %+v", err, h)
				}
			}
		})
	}
	stop := make(chan struct{})
	var sweeper sync.WaitGroup
	sweeper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.clock.Advance(time.Duration(rand.IntN(3)))
				s.Sweep(context.Background())
			}
		}
	})
	all.Wait()
	close(stop)
	sweeper.Wait()
}

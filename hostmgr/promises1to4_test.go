package hostmgr_test

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Each promise of the package documentation has a test with its number: 1 to 4 in this file, 5 to
// 11 in the next one. Other tests attack the promises further.

func TestPromise1AHeartbeatProtects(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	for range 100 {
		require.Zero(t, s.after(2*second).Evicted, "at exactly its timeout")
		s.heartbeat("a")
	}
	require.Equal(t, 1, s.after(2*second+1).Evicted)
	_, err := s.Heartbeat("a", 0)
	require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
}

// Many goroutines send heartbeats of hosts whose deadline is now, while others sweep. A heartbeat
// that returned without error must have saved its host.
func TestPromise1AgainstASweepAtThatMoment(t *testing.T) {
	const hosts, rounds = 64, 50
	s := newScript(t, hostmgr.Config[string]{})
	for round := range rounds {
		for i := range hosts {
			s.join(strconv.Itoa(i))
		}
		s.clock.Advance(2*second + 1)
		var saved [hosts]atomic.Bool
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range hosts {
					i := (i*7 + w*16 + round) % hosts
					if _, err := s.Heartbeat(strconv.Itoa(i), 0); err == nil {
						saved[i].Store(true)
					}
				}
			})
			wg.Go(func() { s.Sweep(context.Background()) })
		}
		wg.Wait()
		s.Sweep(context.Background())
		for i := range hosts {
			_, there := s.Get(strconv.Itoa(i))
			require.Equal(t, saved[i].Load(), there)
		}
	}
	require.Equal(t, s.Stats().Joins, s.Stats().Departures.Evicted+uint64(s.Len()))
}

// A due host sends its heartbeat during the sweep, a little later each time: sometimes between the
// verdict and the eviction. Either the heartbeat returns an error, or the host stays.
func TestPromise1AgainstAnEvictionAtThatMoment(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	var begun, answered atomic.Int64
	var saved atomic.Bool
	var heartbeats sync.WaitGroup
	heartbeats.Go(func() {
		for round := int64(1); ; round++ {
			for begun.Load() == round-1 {
				runtime.Gosched()
			}
			if begun.Load() < 0 {
				return
			}
			for range round % 128 {
				begun.Load()
			}
			_, err := s.Heartbeat("a", 0)
			saved.Store(err == nil)
			answered.Store(round)
		}
	})
	wrong := 0
	for round := int64(1); round <= int64(times(2_000, 2_000_000)); round++ {
		s.join("a")
		s.clock.Advance(2*second + 1)
		begun.Store(round)
		evicted := s.Sweep(context.Background()).Evicted == 1
		for answered.Load() < round {
			runtime.Gosched()
		}
		if evicted == saved.Load() {
			wrong++
		}
	}
	begun.Store(-1)
	heartbeats.Wait()
	require.Zero(t, wrong)
}

func TestPromise1ADelayedHeartbeatNeverStepsBack(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.clock.Advance(second)
	s.heartbeat("a")
	require.NoError(t, s.Observe("a", 0, 900*time.Millisecond))
	require.Zero(t, s.after(2*second).Evicted)
	require.Equal(t, 1, s.after(1).Evicted)
}

func TestPromise2OneDeparturePerRegistration(t *testing.T) {
	var d cleanupLog
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup})
	s.join("left")
	s.join("evicted")
	require.NoError(t, s.Leave(context.Background(), "left", 0))
	require.Error(t, s.Leave(context.Background(), "left", 0))
	old := s.join("replaced")
	s.announce(hostmgr.Announcement[string]{ID: "replaced", Interval: time.Hour, Incarnation: old.Incarnation + 1})
	for range 3 {
		s.after(3 * second)
	}
	kinds := map[string]hostmgr.DepartureKind{}
	for _, dep := range d.departures {
		kinds[dep.Host.ID] = dep.Kind
	}
	require.Len(t, d.departures, 3)
	require.Equal(t, map[string]hostmgr.DepartureKind{
		"left": hostmgr.DepartureLeft, "evicted": hostmgr.DepartureEvicted, "replaced": hostmgr.DepartureReplaced,
	}, kinds)
	st := s.Stats()
	require.Equal(t, [5]uint64{4, 1, 1, 1, 0}, [5]uint64{st.Joins, st.Departures.Left, st.Departures.Evicted, st.Departures.Replaced, st.Departures.Forgotten})
	require.Equal(t, 1, st.Hosts)
}

func TestPromise3ThePastCantTouchThePresent(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "old", Interval: second, Incarnation: 5})
	s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "new", Interval: second, Incarnation: 6})
	s.clock.Advance(second)

	ctx := context.Background()
	require.ErrorIs(t, s.Leave(ctx, "a", 5), hostmgr.ErrStale)
	require.ErrorIs(t, s.Forget("a", 5), hostmgr.ErrStale)
	require.ErrorIs(t, s.Observe("a", 5, 0), hostmgr.ErrStale)
	_, err := s.Heartbeat("a", 5)
	require.ErrorIs(t, err, hostmgr.ErrStale)
	_, err = s.Announce(hostmgr.Announcement[string]{ID: "a", Metadata: "late", Interval: 2 * second, Incarnation: 5})
	require.ErrorIs(t, err, hostmgr.ErrStale)

	h := s.get("a")
	require.Equal(t, "new", h.Metadata)
	require.Equal(t, second, h.Interval)
	require.Equal(t, second, s.clock.Now().Sub(h.LastContact))

	_, err = s.Heartbeat("a", 7)
	require.ErrorIs(t, err, hostmgr.ErrUnknownHost, "a newer incarnation has to announce itself first")
	require.ErrorIs(t, s.Leave(ctx, "a", 7), hostmgr.ErrUnknownHost)
	require.NoError(t, s.Leave(ctx, "a", 6))
	for _, ended := range []uint64{5, 6} {
		_, err = s.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: ended})
		require.ErrorIs(t, err, hostmgr.ErrStale, "what ended does not come back")
	}
	require.Equal(t, hostmgr.Ack{Interval: second, Incarnation: 7, Registration: h.Registration + 1},
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: 7}),
		"a newer process does")
}

func TestPromise3AssignedIncarnationsOnlyGrow(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	last := uint64(s.clock.Now().UnixNano())
	for range 10 {
		ack := s.join("a")
		require.Greater(t, ack.Incarnation, last)
		last = ack.Incarnation
		require.NoError(t, s.Leave(context.Background(), "a", last))
	}
}

// frozen returns a registry with StallThreshold 1 s, swept each half second, after a pause.
func frozen(t *testing.T, pause time.Duration) *script {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second})
	s.join("dead")
	s.join("alive")
	require.Zero(t, s.after(500*time.Millisecond).StallTime)
	s.heartbeat("alive")
	require.Equal(t, pause, s.after(pause).StallTime)
	return s
}

func TestPromise4StallsDoNotCountAsSilence(t *testing.T) {
	for _, pause := range []time.Duration{1100 * time.Millisecond, 10 * second, 777 * second, time.Hour} {
		s := frozen(t, pause)
		end := s.clock.Now()
		require.Equal(t, []string{"alive", "dead"}, s.ids())
		// The timeout would end 1.5 s after the stall, but the grace of interval + StallThreshold
		// ends at 2 s.
		for s.clock.Now().Sub(end) < 2*second {
			require.Zero(t, s.after(500*time.Millisecond).Evicted)
			s.heartbeat("alive")
		}
		require.Equal(t, 1, s.after(1).Evicted)
		require.True(t, s.gone("dead"))
		for range 10 {
			s.heartbeat("alive")
			require.Zero(t, s.after(500*time.Millisecond).Evicted)
		}
	}
}

func TestPromise4AStallThatNoSweepHasFoundIsShownAsOne(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second})
	s.join("a")
	s.clock.Advance(time.Hour)
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	require.Len(t, s.Sample(1, nil), 1)
}

func TestPromise4AHeartbeatWithinAStallCountsFromItsEnd(t *testing.T) {
	var d cleanupLog
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second, Cleanup: d.cleanup})
	s.join("a")
	s.clock.Advance(4 * second)
	s.heartbeat("a") // no sweep has found the stall yet, and it goes on
	require.Equal(t, 10*second, s.after(6*second).StallTime)
	for range 4 {
		require.Zero(t, s.after(500*time.Millisecond).Evicted)
	}
	require.Equal(t, 1, s.after(1).Evicted)
	require.Equal(t, 2*second+1, d.departures[0].Silence)
	require.Equal(t, 6*second, d.departures[0].StallTime)
}

func TestPromise4StallsAgainAndAgainStillEvictCrashedHosts(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: 500 * time.Millisecond})
	s.join("dead")
	s.join("alive")
	rounds := 0
	for ; !s.gone("dead"); rounds++ { // 600 ms of every second are a stall
		s.after(600 * time.Millisecond)
		s.heartbeat("alive")
		s.after(400 * time.Millisecond)
		require.Less(t, rounds, 20)
	}
	require.GreaterOrEqual(t, rounds, 10, "twice the timeout of 2 s, at 400 ms a second")
	require.False(t, s.gone("alive"))
	require.Equal(t, uint64(rounds), s.Stats().Stalls)
}

func TestPromise4AClockThatStepsEvictsNoHost(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, -365 * 24 * time.Hour, time.Hour, 365 * 24 * time.Hour} {
		s := newScript(t, hostmgr.Config[string]{StallThreshold: second})
		s.join("a")
		s.after(500 * time.Millisecond)
		s.clock.Advance(step)
		s.heartbeat("a")
		s.after(500 * time.Millisecond)
		for range 10 {
			s.heartbeat("a")
			require.Zero(t, s.after(500*time.Millisecond).Evicted, step)
		}
		require.InDelta(t, 0.5, s.clock.Now().Sub(s.get("a").LastContact).Seconds(), 1e-9)
	}
}

// A heartbeat between a step back and the next sweep protects as usual.
func TestPromise4TimeGoesOnAfterAStepBack(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.after(1900 * time.Millisecond)
	s.clock.Advance(-time.Hour)
	s.heartbeat("a")
	require.Zero(t, s.after(2*second).Evicted)
	require.Equal(t, 1, s.after(1).Evicted)
}

// No sweep has run yet, so time goes on from the announce.
func TestPromise4TimeGoesOnAfterAStepBackByHand(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.clock.Advance(100 * second)
	s.join("a")
	s.clock.Advance(-50 * second)
	require.Equal(t, s.clock.Now(), s.get("a").LastContact)
	require.Zero(t, s.after(2*second).Evicted)
	require.Equal(t, 1, s.after(1).Evicted)
}

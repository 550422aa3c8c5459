package hostmgr_test

import (
	"context"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

// Hosts that have changed and departed do not fill up the answer.
func TestTakeReturnsAsManyHostsAsItCan(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	for i := range 20 {
		s.join(strconv.Itoa(i))
	}
	for i := range 10 {
		require.NoError(t, s.Forget(strconv.Itoa(i), 0))
	}
	changed, departed := s.Take(5, -1)
	require.Len(t, changed, 5)
	require.Empty(t, departed)
	changed, departed = s.Take(-1, 3)
	require.Empty(t, changed)
	require.Len(t, departed, 3)
	require.Len(t, s.changed(), 5)
}

// The same registration departs twice before it is taken, because Restore was given it twice.
func TestTwoDeparturesOfOneRegistration(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	for range 2 {
		_, err := s.Restore(func(yield func(hostmgr.Host[string]) bool) { yield(hostOf("a", 7, 70)) })
		require.NoError(t, err)
		require.NoError(t, s.Forget("a", 0))
	}
	for range 2 {
		require.Equal(t, shared.Departed, s.reflect(hostOf("a", 7, 70), shared.Reflection{Keeper: 1}))
		_, departed := s.Take(10, 1)
		require.Len(t, departed, 1)
	}
	require.Equal(t, shared.Reflected, s.reflect(hostOf("a", 7, 70), shared.Reflection{Keeper: 1}))
}

func TestAKeeperMayVouchForEver(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.clock.Advance(second)
	s.mirror("a")
	s.Vouch(1, math.MaxInt64)
	s.after(1000 * time.Hour)
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	s.Vouch(1, math.MinInt64)
	require.Equal(t, hostmgr.StateOffline, s.get("a").State)
}

// A keeper that was cut off is back. The next sweep ends the suspicion of its hosts, although no
// policy would look at them again soon.
func TestAKeeperThatVouchesAgain(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{Policy: hostmgr.Tiered{Jitter: second, Offline: time.Hour}})
	s.mirror("a")
	s.Vouch(1, 0)
	s.after(10 * second)
	require.Equal(t, 1, s.Stats().Suspects)
	s.Vouch(1, 5*second)
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	s.after(1)
	require.Zero(t, s.Stats().Suspects)
	require.EqualValues(t, 1, s.Stats().Recovered)
}

func TestTheTableMayRemoveTheZoneOfAHost(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{Policy: hostmgr.Tiered{Jitter: second, Offline: time.Hour}})
	h := hostOf("a", 7, 70)
	h.Zone = "z"
	s.reflect(h, shared.Reflection{Keeper: 1})
	s.after(10 * second)
	require.Equal(t, []zoneFigures{{Name: "z", Hosts: 1, Suspects: 1}}, zonesOf(s.Stats()))
	s.mirror("a")
	require.Empty(t, s.get("a").Zone)
	require.Equal(t, []zoneFigures{{Hosts: 1}}, zonesOf(s.Stats()))
}

func TestAWatcherOfUnknownKindsGetsNone(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	var got []hostmgr.EventKind
	for e := range s.Watch(t.Context(), hostmgr.EventKind(200)) {
		if got = append(got, e.Kind); e.Kind == hostmgr.EventSynced {
			break
		}
	}
	require.Equal(t, []hostmgr.EventKind{hostmgr.EventSynced}, got, "no snapshot")
}

// Confirm has allowed the eviction for one silence. The host was heard elsewhere later, and is due
// again: Confirm is asked about that silence too.
func TestConfirmIsAskedAboutEachSilenceBeforeTheMembers(t *testing.T) {
	asked := 0
	s := newShared(t, hostmgr.Config[string]{Confirm: func(_ context.Context, due hosts) (hosts, error) {
		asked++
		return due, nil
	}})
	registration := s.join("a").Registration
	s.after(20 * second)
	_, p := s.look("a")
	require.True(t, p.Due)
	require.NoError(t, s.Observe("a", 0, 10*second))
	_, p = s.look("a")
	require.False(t, p.Due)
	until := s.clock.Now().Add(time.Hour)
	require.Equal(t, shared.Saved, s.Settle("a", registration, p.Word, p.Now, until))
	s.after(second)
	require.Equal(t, 2, asked)
	_, p = s.look("a")
	require.True(t, p.Due)
	require.Equal(t, shared.Evicted, s.Settle("a", registration, p.Word, p.Now, until))
}

// Members tell each other of many departures at once, after they were out of touch. Such a
// departure says nothing of silence: nothing is held because of it.
func TestDeparturesByJudgementElsewhereAreNotMissing(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{
		Shadow:        hostmgr.Fixed(10),
		EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.2, MaxHold: time.Hour},
	})
	s.join("silent")
	for i := range 10 {
		s.mirror(strconv.Itoa(i))
	}
	for i := range 5 {
		d := &hostmgr.Departure[string]{Kind: hostmgr.DepartureEvicted, Host: hostOf(strconv.Itoa(i), 7, 70)}
		d.Judgement = "an operator"
		require.True(t, s.Depart(d))
	}
	s.after(3 * second)
	s.after(1)
	_, p := s.look("silent")
	require.True(t, p.Due, "the limit does not hold it")
	require.Zero(t, s.Stats().Shadow.Evictions, "the second policy would not have evicted them")
}

func TestADepartureOfAnUnknownKind(t *testing.T) {
	var log cleanupLog
	s := newShared(t, hostmgr.Config[string]{Cleanup: log.cleanup})
	for _, kind := range []hostmgr.DepartureKind{0, 9} {
		s.mirror("a")
		require.True(t, s.Depart(&hostmgr.Departure[string]{Kind: kind, Host: hostOf("a", 7, 70)}))
		s.after(0)
	}
	require.Equal(t, map[string]uint64{"Evicted": 2}, departures(s.Stats()))
	require.Len(t, log.departures, 2)
	require.Equal(t, hostmgr.DepartureEvicted, log.departures[0].Kind)
}

// A host that was told a longer interval may be judged by another member next.
func TestALongerIntervalIsAChange(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: time.Minute, PerSecond: 1}})
	s.join("a")
	for i := range 40 {
		s.mirror(strconv.Itoa(i))
	}
	s.changed()
	s.clock.Advance(second)
	s.heartbeat("a")
	longer := s.get("a").Interval
	require.Greater(t, longer, 10*second)
	h := s.get("a")
	h.Interval = second
	s.reflect(h, shared.Reflection{Keeper: 1})
	require.Equal(t, longer, s.get("a").Interval, "the table does not know of it yet")
	require.Equal(t, []string{"a+"}, s.changed())
}

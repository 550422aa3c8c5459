package hostmgr_test

import (
	"context"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// newLimited returns a registry of n hosts, h0 and on. Its limit allows half of them to be missing.
func newLimited(t *testing.T, n int, cfg hostmgr.Config[string]) *script {
	if cfg.EvictionLimit == (hostmgr.EvictionLimit{}) {
		cfg.EvictionLimit = hostmgr.EvictionLimit{MaxFraction: 0.5, MaxHold: time.Minute}
	}
	s := newScript(t, cfg)
	for i := range n {
		s.join("h" + strconv.Itoa(i))
	}
	return s
}

// heartbeats sends a heartbeat of each of the hosts from..to-1.
func (s *script) heartbeats(from, to int) {
	for i := from; i < to; i++ {
		s.heartbeat("h" + strconv.Itoa(i))
	}
}

func TestAHeldHostShowsItsHoldAndIsSavedByAHeartbeat(t *testing.T) {
	s := newLimited(t, 10, hostmgr.Config[string]{})
	s.clock.Advance(2 * second)
	s.heartbeats(0, 4)
	rep := s.after(1)
	require.Equal(t, 6, rep.Held)
	require.Zero(t, rep.Evicted)
	h := s.get("h9")
	require.Equal(t, hostmgr.StateOffline, h.State)
	require.Equal(t, "eviction limit: 6 of 10 hosts of zone \"\" are missing", h.Hold.String())
	require.Equal(t, [2]int{6, 6}, [2]int{s.Stats().Suspects, s.Stats().Held})

	s.heartbeat("h9")
	require.Equal(t, [2]int{5, 5}, [2]int{s.Stats().Suspects, s.Stats().Held}, "at once")
	require.Equal(t, hostmgr.StateAlive, s.get("h9").State)
	require.Empty(t, s.get("h9").Hold)
	s.clock.Advance(10 * second)
	s.heartbeats(0, 4)
	s.heartbeat("h9")
	require.Zero(t, s.after(0).Evicted, "half is not too many, but they have an interval to come back in")
	s.clock.Advance(second)
	s.heartbeats(0, 4)
	s.heartbeat("h9")
	require.Zero(t, s.after(0).Evicted)
	require.Equal(t, 5, s.after(1).Evicted)
	require.Len(t, s.ids(), 5)
}

// Hosts whose own hold expired do not count as missing. The next host that crashes is one of few.
func TestHostsWithAnExpiredHoldDoNotCountAsMissing(t *testing.T) {
	s := newLimited(t, 10, hostmgr.Config[string]{})
	s.clock.Advance(2 * second)
	s.heartbeats(0, 4)
	s.after(second)
	for range 59 {
		s.heartbeats(0, 4)
		require.Zero(t, s.after(second).Evicted)
	}
	s.heartbeats(0, 4)
	s.clock.Advance(second - 1)
	s.heartbeats(0, 4)
	require.Zero(t, s.after(0).Evicted)
	s.clock.Advance(1)
	require.Equal(t, 6, s.after(1).Evicted)
	s.heartbeats(1, 4)
	s.after(second)
	s.heartbeats(1, 4)
	require.Equal(t, 1, s.after(second).Evicted)
}

func TestASingleMissingHostIsNeverHeld(t *testing.T) {
	s := newLimited(t, 3, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.01}})
	s.clock.Advance(2 * second)
	s.heartbeats(0, 2)
	require.Equal(t, 1, s.after(1).Evicted)
	s.clock.Advance(2*second - 1)
	s.heartbeats(0, 1)
	rep := s.after(1)
	require.Equal(t, [2]int{0, 1}, [2]int{rep.Evicted, rep.Held}, "with the first it is two")
}

// Hosts crash one after another. Evictions during the last MaxHold count as missing, as if the
// hosts had crashed at once; older ones do not.
func TestTheEvictionLimitCountsRecentEvictions(t *testing.T) {
	s := newLimited(t, 10, hostmgr.Config[string]{})
	left := 10
	for ; left > 0; left-- { // one each 3 s
		for range 3 {
			s.heartbeats(0, left-1)
			s.after(second)
		}
		if s.Stats().Held > 0 {
			break
		}
	}
	require.Equal(t, uint64(5), s.Stats().Departures.Evicted)
	require.Equal(t, "eviction limit: 6 of 10 hosts of zone \"\" are missing", s.get("h4").Hold.String())
	seconds := 0
	for ; s.Stats().Departures.Evicted == 5; seconds++ {
		s.heartbeats(0, 4)
		s.after(second)
	}
	require.InDelta(t, 49, seconds, 4, "when the first is out of the window, and an interval later")
}

func TestTheEvictionLimitAppliesToEachZone(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5}})
	for i := range 40 {
		s.announce(hostmgr.Announcement[string]{ID: "h" + strconv.Itoa(i), Interval: second, Zone: strconv.Itoa(i / 10)})
	}
	s.clock.Advance(2 * second)
	s.heartbeats(9, 39) // all but one of zone 0, and one of zone 3
	rep := s.after(1)
	require.Equal(t, [2]int{1, 9}, [2]int{rep.Evicted, rep.Held})
	require.True(t, s.gone("h39"))
	require.Equal(t, "eviction limit: 9 of 10 hosts of zone \"0\" are missing", s.get("h0").Hold.String())

	// A host that moves to another zone is counted there.
	s.announce(hostmgr.Announcement[string]{ID: "h0", Interval: second, Zone: "1"})
	s.heartbeats(9, 39)
	s.after(0)
	require.Equal(t, "eviction limit: 8 of 9 hosts of zone \"0\" are missing", s.get("h1").Hold.String())
	for i := 1; i < 10; i++ {
		require.NoError(t, s.Leave(context.Background(), "h"+strconv.Itoa(i), 0))
	}
	require.Zero(t, s.Stats().Suspects)
	for range 3 { // the zone is empty and dropped
		s.join("h1")
		s.clock.Advance(2 * second)
		s.heartbeats(10, 39)
		s.heartbeat("h0")
		require.Equal(t, 1, s.after(1).Evicted)
	}
}

// Hosts that were held have a contact. Their holds take no memory any more.
func TestHoldsAreReleased(t *testing.T) {
	s := newLimited(t, 10_000, hostmgr.Config[string]{})
	s.after(1600 * time.Millisecond) // allocates the distributions of Stats, and the past of each zone
	s.heartbeats(0, 10_000)
	s.after(0)
	before := heap()
	require.Equal(t, 10_000, s.after(3*second).Held)
	require.Greater(t, heap()-before, int64(300_000))
	s.heartbeats(0, 10_000)
	require.Zero(t, s.after(second).Held)
	require.Less(t, heap()-before, int64(50_000))
	runtime.KeepAlive(s)
}

// While the limit is not active, hosts are evicted exactly at their deadlines.
func TestTheEvictionLimitDoesNotDelayASingleEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lag time.Duration
		gone := 0
		r, err := hostmgr.New(hostmgr.Config[string]{
			EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.2},
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				gone++
				lag = max(lag, d.At.Sub(d.Host.EvictAt))
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 1000 {
			interval := time.Hour
			if i < 100 {
				interval = second + time.Duration(i*i)*time.Millisecond
			}
			_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: interval})
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		stop()
		require.Equal(t, 100, gone)
		require.Equal(t, time.Duration(1), lag)
	})
}

func TestAStallDoesNotCountForMaxHold(t *testing.T) {
	s := newLimited(t, 10, hostmgr.Config[string]{StallThreshold: second})
	for range 5 {
		s.heartbeats(0, 4)
		s.after(second)
	}
	require.Equal(t, 6, s.Stats().Held)
	require.Equal(t, time.Hour, s.after(time.Hour).StallTime)
	require.Equal(t, 6, s.Stats().Held)
	for range 50 {
		s.heartbeats(0, 4)
		require.Zero(t, s.after(second).Evicted)
	}
	for range 11 {
		s.heartbeats(0, 4)
		s.after(second)
	}
	require.Equal(t, []string{"h0", "h1", "h2", "h3"}, s.ids())
}

// A stall gives a held host grace, so it is not due any more and nothing holds it. If it is due
// again, a new hold begins.
func TestAStallThatGivesGraceEndsAHold(t *testing.T) {
	s := newLimited(t, 10, hostmgr.Config[string]{StallThreshold: second})
	s.after(second)
	s.after(second)
	require.Equal(t, 10, s.after(second/2).Held)
	s.after(time.Minute)
	require.Zero(t, s.Stats().Held)
	s.after(second)
	s.after(second)
	require.Zero(t, s.after(second/2).Evicted)
	require.Equal(t, 10, s.Stats().Held)
}

// Confirm is asked only about hosts that the limit does not hold.
func TestTheEvictionLimitComesBeforeConfirm(t *testing.T) {
	var d cleanupLog
	asked := map[string]int{}
	refuse := true
	s := newLimited(t, 10, hostmgr.Config[string]{
		EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5, PerSecond: 1, MaxHold: time.Minute},
		Cleanup:       d.cleanup,
		Confirm: func(_ context.Context, due hosts) (hosts, error) {
			for _, h := range due {
				asked[h.ID]++
			}
			if refuse {
				return nil, nil
			}
			return due, nil
		},
	})
	s.clock.Advance(2 * second)
	s.heartbeats(0, 4)
	s.after(1)
	require.Len(t, asked, 1)
	s.after(0)
	require.Len(t, asked, 1, "about the same host again")
	s.heartbeats(0, 4)
	s.after(second)
	require.Len(t, asked, 2)
	require.Equal(t, 6, s.Stats().Held)
	refuse = false
	s.heartbeats(0, 4)
	require.Equal(t, 3, s.after(second).Evicted)
	var by []string
	for _, dep := range d.departures {
		require.Equal(t, 2*second, dep.HeldFor)
		by = append(by, dep.Hold.String())
	}
	const limit = "eviction limit: 6 of 10 hosts of zone \"\" are missing"
	require.ElementsMatch(t, []string{"refused by Confirm", limit + "; then refused by Confirm", limit + "; then awaiting Confirm"}, by)
}

// Writers make all kinds of calls while the limit holds hosts and Confirm refuses. At the end no
// host is held or suspect or counted as such, and the limit holds no host because of the past.
func TestUnderRunTheFiguresOfHoldsAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Uint64
		r, err := hostmgr.New(hostmgr.Config[int]{
			EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1, PerSecond: 3, MaxHold: 5 * second},
			Confirm: func(_ context.Context, due []hostmgr.Host[int]) ([]hostmgr.Host[int], error) {
				time.Sleep(second / 2)
				return due[:len(due)-int(asked.Add(1)%2)], nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for round := range times(2, 20) {
			write(t, r, round)
			time.Sleep(2 * second)
			require.Positive(t, r.Stats().Held)
			time.Sleep(time.Minute)
			synctest.Wait()
			require.Equal(t, [2]int{}, [2]int{r.Stats().Suspects, r.Stats().Held})
			evicted := r.Stats().Departures.Evicted
			_, err := r.Announce(hostmgr.Announcement[int]{ID: "last", Interval: second})
			require.NoError(t, err)
			time.Sleep(4 * second)
			require.Equal(t, evicted+1, r.Stats().Departures.Evicted)
		}
		stop()
	})
}

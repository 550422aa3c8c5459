package hostmgr_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func (s *script) joinZone(id, zone string) {
	s.t.Helper()
	s.announce(hostmgr.Announcement[string]{ID: id, Interval: second, Zone: zone})
}

func TestStatsByZone(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5}})
	require.Equal(t, hostmgr.Stats{Began: s.clock.Now()}, s.Stats(), "of an empty one")
	for i := range 6 {
		s.joinZone("b"+strconv.Itoa(i), "b")
		s.joinZone("a"+strconv.Itoa(i), "a")
	}
	s.joinZone("moved", "b")
	s.clock.Advance(2 * second)
	for i := range 6 {
		s.heartbeat("a" + strconv.Itoa(i))
	}
	s.after(1)
	s.Sweep(t.Context()) // the limit decides on the counts of the sweep before
	st := s.Stats()
	require.Len(t, st.Zones, 2)
	require.Equal(t, zoneFigures{Name: "a", Hosts: 6}, zonesOf(st)[0])
	require.Equal(t, zoneFigures{Name: "b", Hosts: 7, Suspects: 7, Held: 7}, zonesOf(st)[1])
	require.Equal(t, `eviction limit: 7 of 7 hosts of zone "b" are missing`, st.Zones[1].Hold.String())
	require.Equal(t, "eviction limit: 7 of 13 hosts are missing", st.Hold.String())
	require.Equal(t, [3]int{13, 7, 7}, [3]int{st.Hosts, st.Suspects, st.Held})
	require.EqualValues(t, 7, st.HeldByLimit, "each host once, however many sweeps check it")

	s.joinZone("moved", "a")
	for i := range 6 {
		s.heartbeat("a" + strconv.Itoa(i))
	}
	s.after(second)
	st = s.Stats()
	require.Equal(t, `eviction limit: 6 of 6 hosts of zone "b" are missing`, st.Zones[1].Hold.String(), "for another reason now")
	require.EqualValues(t, 7, st.HeldByLimit)
	s.joinZone("b0", "b")
	require.NoError(t, s.Leave(t.Context(), "b1", 0))
	st = s.Stats()
	require.Equal(t, 7, st.Zones[0].Hosts)
	require.Equal(t, zoneFigures{Name: "b", Hosts: 5, Suspects: 4, Held: 4}, zonesOf(st)[1])
	require.EqualValues(t, 7, st.Suspected)
	require.EqualValues(t, 2, st.Recovered)
	for i := range 6 {
		if i != 1 {
			s.heartbeat("b" + strconv.Itoa(i))
		}
	}
	st = s.Stats()
	require.Zero(t, st.Held)
	require.Empty(t, st.Hold)
	require.Empty(t, st.Zones[1].Hold)
	require.EqualValues(t, 6, st.Recovered)
	require.EqualValues(t, 7, st.HeldByLimit)
}

// A host that is due a second time is held a second time.
func TestStatsCountEachHold(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Confirm: func(context.Context, hosts) (hosts, error) { return nil, nil }})
	s.join("a")
	for i := range 3 {
		s.after(2*second + 1)
		s.after(second)
		st := s.Stats()
		require.EqualValues(t, i+1, st.HeldByConfirm)
		require.Zero(t, st.HeldByLimit)
		require.Equal(t, 1, st.Zones[0].Held)
		s.heartbeat("a")
		require.Zero(t, s.Stats().Zones[0].Held)
	}
}

func TestAFailureOfConfirmHoldsToo(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Confirm: func(context.Context, hosts) (hosts, error) { return nil, errors.New("no") }})
	s.join("a")
	s.join("b")
	s.after(3 * second)
	s.after(3 * second)
	require.EqualValues(t, 2, s.Stats().HeldByConfirm)
	require.EqualValues(t, 2, s.Stats().ConfirmFailures)
}

// A watcher gets the same departure as a cleanup, with Attempt 0.
func TestEventsCarryTheDeparture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d cleanupLog
		r, err := hostmgr.New(hostmgr.Config[string]{
			StallThreshold: -1, Cleanup: d.cleanup, EvictionLimit: hostmgr.EvictionLimit{PerSecond: 0.5},
		})
		require.NoError(t, err)
		var events []hostmgr.Event[string]
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for e := range r.Watch(ctx) {
				events = append(events, e)
			}
		}()
		synctest.Wait()
		for _, id := range []string{"a", "b", "c", "d"} {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: second, Incarnation: 7})
			require.NoError(t, err)
		}
		require.NoError(t, r.Leave(ctx, "c", 0))
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "e", Interval: second})
		require.NoError(t, err)
		require.NoError(t, r.Forget("e", 0))
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "d", Interval: second, Incarnation: 8})
		require.NoError(t, err)
		for range 20 {
			time.Sleep(second)
			r.Sweep(ctx)
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		found, held, forgotten := 0, 0, 0
		for _, e := range events {
			if e.Kind != hostmgr.EventDeparted {
				require.Nil(t, e.Departure, e.Kind)
				continue
			}
			require.Equal(t, e.Host, e.Departure.Host)
			require.Equal(t, e.At, e.Departure.At)
			require.Zero(t, e.Departure.Attempt)
			if e.Departure.Kind == hostmgr.DepartureForgotten {
				require.Equal(t, hostmgr.Evidence{Interval: second, Timeout: 2 * second}, e.Departure.Evidence)
				forgotten++
				continue
			}
			for _, dep := range d.departures {
				if dep.Host.Registration == e.Host.Registration {
					dep.Attempt = 0
					require.Equal(t, dep, *e.Departure)
					found++
				}
			}
			if hold := e.Departure.Hold.String(); hold != "" {
				require.Equal(t, "eviction limit: at most 0.5 evictions a second", hold)
				held++
			}
		}
		require.Equal(t, 5, found)
		require.Equal(t, 1, forgotten)
		require.Positive(t, held)
	})
}

// The figures of Stats are consistent while hosts join, fall silent, leave and join again.
func TestStatsAddUp(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[int]{
		Cleanup: func(context.Context, hostmgr.Departure[int]) error { return nil },
		Confirm: func(_ context.Context, due []hostmgr.Host[int]) ([]hostmgr.Host[int], error) {
			return due[:len(due)/2], nil
		},
		EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1, PerSecond: 100},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Run(ctx) })
	for g := range 2 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := strconv.Itoa((i*7919 + g) % 500)
				_, _ = r.Announce(hostmgr.Announcement[int]{ID: id, Interval: 10 * time.Millisecond, Zone: strconv.Itoa(i % 5)})
				if i%3 == 0 {
					_ = r.Leave(ctx, id, 0)
				}
			}
		})
	}
	for range 200 {
		st := r.Stats()
		hosts, suspects, held := 0, 0, 0
		for _, z := range st.Zones {
			hosts, suspects, held = hosts+z.Hosts, suspects+z.Suspects, held+z.Held
			require.LessOrEqual(t, z.Held, z.Suspects)
			require.LessOrEqual(t, z.Suspects, z.Hosts)
		}
		require.Equal(t, [3]int{st.Hosts, st.Suspects, st.Held}, [3]int{hosts, suspects, held})
		require.EqualValues(t, st.Hosts, st.Joins-st.Departures.Left-st.Departures.Evicted-st.Departures.Replaced-st.Departures.Forgotten)
		require.Equal(t, st.Departures.Evicted, st.Latency.Detection.Count)
		require.GreaterOrEqual(t, st.Suspected, st.Recovered)
		require.LessOrEqual(t, st.RejoinedAfterEviction, st.Departures.Evicted)
	}
	cancel()
	wg.Wait()
	for i := range 500 { // in the end all counts of hosts are zero
		_ = r.Forget(strconv.Itoa(i), 0)
	}
	st := r.Stats()
	require.Zero(t, st.Hosts+st.Suspects+st.Held)
	require.Empty(t, zonesOf(st))
}

package hostmgr_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

const minute = time.Minute

// A host of 5 min announces itself again and names neither interval nor zone.
func TestZeroInARefreshMeansAsBefore(t *testing.T) {
	for _, incarnation := range []uint64{0, 7} {
		s := newScript(t, hostmgr.Config[string]{})
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 5 * minute, Zone: "z", Incarnation: 7})
		s.clock.Advance(minute)
		ack := s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "new", Incarnation: incarnation})
		require.Equal(t, 5*minute, ack.Interval)
		h := s.get("a")
		require.Equal(t, "new", h.Metadata)
		require.Equal(t, "z", h.Zone)
		require.Equal(t, 5*minute, h.Interval)
		require.Equal(t, 10*minute, h.EvictAt.Sub(h.LastContact))
		require.Equal(t, s.clock.Now(), h.LastContact)
		require.Equal(t, 1, s.Stats().Zones[0].Hosts)
		require.Zero(t, s.after(5*minute).Evicted)

		s.announce(hostmgr.Announcement[string]{ID: "a", Zone: "y"})
		require.Equal(t, 5*minute, s.get("a").Interval)
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: minute})
		require.Equal(t, "y", s.get("a").Zone)
		require.Equal(t, minute, s.get("a").Interval)
	}
}

// A join and a replacement take nothing over.
func TestZeroInANewRegistrationMeansTheDefault(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 5 * minute, Zone: "z", Incarnation: 7})
	s.announce(hostmgr.Announcement[string]{ID: "a", Incarnation: 8})
	s.announce(hostmgr.Announcement[string]{ID: "b", Interval: 5 * minute, Zone: "z"})
	require.NoError(t, s.Leave(context.Background(), "b", 0))
	s.announce(hostmgr.Announcement[string]{ID: "b"})
	for _, id := range []string{"a", "b"} {
		h := s.get(id)
		require.Equal(t, hostmgr.DefaultInterval, h.Interval)
		require.Empty(t, h.Zone)
	}
}

// With Pacing, the interval of a host is the longest that it was told. A refresh with zero keeps
// it, and lengthens the timeouts before it tells a longer one.
func TestZeroInARefreshKeepsTheAdvisedInterval(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: 10 * second, Max: 100 * second, PerSecond: 1}})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * second})
	for i := range 60 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: 10 * second})
		s.clock.Advance(time.Second / 10)
		ack := s.announce(hostmgr.Announcement[string]{ID: "a"})
		h := s.get("a")
		require.GreaterOrEqual(t, h.Interval, ack.Interval)
		require.GreaterOrEqual(t, h.Interval, s.Stats().AdvisedInterval)
		require.Equal(t, 2*h.Interval, h.EvictAt.Sub(h.LastContact))
	}
	longest := s.get("a").Interval
	require.GreaterOrEqual(t, longest, 60*second)
	for i := range 60 {
		require.NoError(t, s.Forget(strconv.Itoa(i), 0))
	}
	s.clock.Advance(60 * second)
	ack := s.announce(hostmgr.Announcement[string]{ID: "a"})
	require.Equal(t, longest, s.get("a").Interval, "it may not have heard of another one")
	require.Less(t, ack.Interval, longest)
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: ack.Interval})
	require.Less(t, s.get("a").Interval, longest)
}

// A crowded clock calls a function at each reading: so a test gets between two steps of a call.
type crowded struct {
	*clockwork.FakeClock
	call func()
}

func (c *crowded) Now() time.Time                      { c.call(); return c.FakeClock.Now() }
func (c *crowded) Since(begin time.Time) time.Duration { c.call(); return c.FakeClock.Since(begin) }
func (c *crowded) once(call func())                    { c.call = func() { c.call = func() {}; call() } }
func newCrowded() *crowded                             { return &crowded{clockwork.NewFakeClock(), func() {}} }
func (c *crowded) script(t *testing.T, p hostmgr.Policy) *script {
	return newScriptOn(t, c.FakeClock, hostmgr.Config[string]{Clock: c, Policy: p})
}

// The host is changed after a refresh has looked at its interval, and before it has the lock.
func TestARefreshMeansTheLatestInterval(t *testing.T) {
	for what, row := range map[string]struct {
		between hostmgr.Announcement[string] // without an id the host leaves
		want    time.Duration
	}{
		"longer":   {hostmgr.Announcement[string]{ID: "a", Interval: 5 * minute}, 5 * minute},
		"shorter":  {hostmgr.Announcement[string]{ID: "a", Interval: second}, second},
		"replaced": {hostmgr.Announcement[string]{ID: "a", Interval: 5 * minute, Incarnation: 9}, 5 * minute},
		"left":     {hostmgr.Announcement[string]{}, hostmgr.DefaultInterval},
	} {
		clock := newCrowded()
		s := clock.script(t, nil)
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: minute, Incarnation: 1})
		clock.once(func() {
			if row.between.ID == "" {
				require.NoError(t, s.Forget("a", 0))
				return
			}
			s.announce(row.between)
		})
		s.announce(hostmgr.Announcement[string]{ID: "a"})
		h := s.get("a")
		require.Equal(t, row.want, h.Interval, what)
		require.Equal(t, 2*row.want, h.EvictAt.Sub(h.LastContact), what)
	}

	clock := newCrowded()
	s := clock.script(t, nil)
	clock.once(func() { s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 5 * minute}) })
	s.announce(hostmgr.Announcement[string]{ID: "a"})
	require.Equal(t, 5*minute, s.get("a").Interval, "it joined meanwhile")
}

// Refreshes with zero run while the host is announced, replaced and removed. They never change its
// interval.
func TestRefreshesWithZeroAgainstAllElse(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Tiered{}})
	stop := make(chan struct{})
	var refreshers sync.WaitGroup
	for range 2 {
		refreshers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Metadata: "refreshed"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range times(2000, 200_000) {
		a := hostmgr.Announcement[string]{ID: "a", Interval: time.Duration(1+i%50) * second, Zone: "z" + strconv.Itoa(i%3)}
		switch i % 10 {
		case 3:
			a.Incarnation = 1 << 62 // of the past, after the next
		case 5:
			require.NoError(t, s.Forget("a", 0))
		case 7:
			a.Incarnation = s.get("a").Incarnation + 1
		}
		ack, err := s.Announce(a)
		if err != nil {
			continue
		}
		h := s.get("a")
		require.Equal(t, ack.Registration, h.Registration)
		require.Equal(t, a.Interval, h.Interval)
		require.Equal(t, a.Zone, h.Zone)
		require.Equal(t, 5*minute+h.Interval, h.EvictAt.Sub(h.LastContact))
	}
	close(stop)
	refreshers.Wait()
}

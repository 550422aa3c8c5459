package hostmgr_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// A zonePolicy evicts hosts of zone far after 6 intervals, other hosts after 3. It records what it
// was asked.
type zonePolicy struct {
	history bool
	mu      sync.Mutex
	asked   []hostmgr.History
}

func (p *zonePolicy) NeedsHistory() bool { return p.history }

func (p *zonePolicy) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, h)
	if h.Zone == "far" {
		return 0, 6 * h.Interval
	}
	return 0, 3 * h.Interval
}

// zones returns the zones that the policy was asked about since the last call, sorted.
func (p *zonePolicy) zones() (zones []string) {
	for _, h := range p.asked {
		zones = append(zones, h.Zone)
	}
	p.asked = nil
	slices.Sort(zones)
	return zones
}

func in(zone string, interval time.Duration) hostmgr.Announcement[string] {
	return hostmgr.Announcement[string]{ID: "a", Zone: zone, Interval: interval}
}

// A policy gives the hosts of one zone more time. It is asked once for each interval and zone.
func TestAPolicySeesTheZone(t *testing.T) {
	for _, history := range []bool{false, true} {
		p := &zonePolicy{history: history}
		s := newScript(t, hostmgr.Config[string]{Policy: p})
		step := func(what string, far bool, zones ...string) {
			t.Helper()
			want := 3 * s.get("a").Interval
			if far {
				want *= 2
			}
			require.Equal(t, want, s.timeout("a"), what)
			if !history {
				require.Equal(t, zones, p.zones(), what)
			}
		}
		s.announce(in("far", second))
		step("a join", true, "far")
		s.clock.Advance(second)
		s.announce(in("far", second))
		step("a refresh", true)
		s.clock.Advance(second)
		s.announce(in("near", second))
		step("another zone", false, "near")
		s.announce(in("far", second))
		step("at the same moment", true)
		s.clock.Advance(second)
		s.announce(in("", 2*second))
		step("another interval, and the zone as before", true, "far")
		s.clock.Advance(second)
		s.announce(in("", 0))
		step("both as before", true)
		s.clock.Advance(second)
		s.heartbeat("a")
		step("a heartbeat", true)
		s.announce(hostmgr.Announcement[string]{ID: "a", Zone: "near", Interval: second, Incarnation: 1 << 62})
		step("a new incarnation", false)
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: 1<<62 + 1})
		step("a new incarnation without a zone", false, "")

		hosts := []hostmgr.Host[string]{{ID: "b", Zone: "far", Interval: second}}
		_, err := s.Restore(slices.Values(hosts))
		require.NoError(t, err)
		require.Equal(t, 6*second, s.timeout("b"), "restored")
	}
}

// The policy has answered for hosts without a zone. That answer is not for a host that has one and
// does not name it in a refresh.
func TestARefreshWithoutAZoneIsJudgedByTheZoneOfTheHost(t *testing.T) {
	p := &zonePolicy{}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.announce(hostmgr.Announcement[string]{ID: "nowhere", Interval: second})
	s.announce(in("far", second))
	for range 3 {
		s.clock.Advance(second)
		s.announce(in("", second))
		require.Equal(t, 6*second, s.timeout("a"))
		s.announce(hostmgr.Announcement[string]{ID: "nowhere", Interval: second})
		require.Equal(t, 3*second, s.timeout("nowhere"))
	}
	require.Equal(t, []string{"", "far"}, p.zones())
}

// The timeouts follow the advised interval, in the zone of the host.
func TestALongerIntervalKeepsTheZone(t *testing.T) {
	for _, history := range []bool{false, true} {
		p := &zonePolicy{history: history}
		s := newScript(t, hostmgr.Config[string]{Policy: p, Pacing: hostmgr.Pacing{Min: second, Max: time.Minute, PerSecond: 1}})
		s.announce(in("far", second))
		s.joinOthers(30)
		s.heartbeat("a")
		h := s.get("a")
		require.Greater(t, h.Interval, 20*second)
		require.Equal(t, 6*h.Interval, s.timeout("a"))
	}
}

// A second policy sees the zone too, and its timeout says which gaps are recorded.
func TestAShadowSeesTheZone(t *testing.T) {
	for _, history := range []bool{false, true} {
		var log bytes.Buffer
		p := &zonePolicy{history: history}
		s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(10), Shadow: p, Recorder: &log})
		for _, zone := range []string{"near", "far"} {
			s.announce(hostmgr.Announcement[string]{ID: zone, Zone: zone, Interval: second})
		}
		s.clock.Advance(4 * second)
		s.heartbeat("near")
		s.heartbeat("far")
		require.EqualValues(t, 1, s.Stats().Shadow.Evictions)
		s.after(0)
		late := 0
		for r, err := range flight.Read(&log) {
			require.NoError(t, err)
			if r.Kind == "late" {
				late++
			}
		}
		require.Equal(t, 2, late)
		require.NotContains(t, p.zones(), "", "no host is without a zone")
	}
}

// A zone has its own name for a policy, also where the counts know it as "other".
func TestAPolicySeesTheNameOfTheLastZoneToo(t *testing.T) {
	p := &zonePolicy{}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	for i := range 64 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Zone: strconv.Itoa(i), Interval: second})
	}
	p.zones()
	s.announce(in("far", second))
	require.Equal(t, []string{"far"}, p.zones())
	require.Equal(t, 6*second, s.timeout("a"))
}

// 1024 answers are kept. For any other interval and zone each Announce asks, and gets it right.
func TestManyZonesAreAskedAboutEachTime(t *testing.T) {
	p := &zonePolicy{}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	for i := range 1100 {
		s.announce(hostmgr.Announcement[string]{ID: fmt.Sprint(i), Zone: fmt.Sprint("z", i), Interval: second})
	}
	require.Len(t, p.zones(), 1100)
	s.announce(hostmgr.Announcement[string]{ID: "0", Zone: "z0", Interval: second})
	require.Empty(t, p.zones())
	for range 3 {
		s.announce(in("far", second))
		require.Equal(t, []string{"far"}, p.zones())
		require.Equal(t, 6*second, s.timeout("a"))
	}
}

// Hosts change their zones while they send heartbeats. In the end each has the timeout of the zone
// that it announced last.
func TestZonesThatChangeUnderHeartbeats(t *testing.T) {
	for _, history := range []bool{false, true} {
		p := &zonePolicy{history: history}
		s := newScript(t, hostmgr.Config[string]{Policy: p, Pacing: hostmgr.Pacing{Min: second, Max: 2 * second, PerSecond: 10}})
		s.announce(in("far", second))
		var work sync.WaitGroup
		for range 2 {
			work.Go(func() {
				for range 300 {
					s.heartbeat("a")
					s.clock.Advance(time.Millisecond)
				}
			})
		}
		work.Go(func() {
			for i := range 301 {
				s.announce(in([]string{"near", "far"}[i%2], 0))
				s.clock.Advance(time.Millisecond)
			}
		})
		work.Wait()
		require.Equal(t, 3*s.get("a").Interval, s.timeout("a"))
		s.heartbeat("a")
		require.Equal(t, 3*s.get("a").Interval, s.timeout("a"))
	}
}

// A zone makes a difference only once gaps are known. The host moves at the time of its last
// contact, so its history has not changed, but the answer to it has.
func TestAnAnswerToAHistoryIsForOneZone(t *testing.T) {
	far := &zonePolicy{}
	p := &scriptedPolicy{answer: func(h hostmgr.History) (time.Duration, time.Duration) {
		if h.Count == 0 {
			h.Zone = ""
		}
		return far.Timeouts(h)
	}}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.announce(in("far", second))
	s.clock.Advance(second)
	s.announce(in("far", second))
	require.Equal(t, 6*second, s.timeout("a"))
	s.announce(in("near", second))
	require.Equal(t, 3*second, s.timeout("a"))
	s.announce(in("", second))
	require.Equal(t, 3*second, s.timeout("a"))
	s.announce(in("far", second))
	require.Equal(t, 6*second, s.timeout("a"))
}

package hostmgr_test

import (
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Two zones of 300 hosts. Without a watcher, and before any look at the registry, one zone is lost.
func TestWhatHappenedBeforeIsThere(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 300 {
		s.announce(hostmgr.Announcement[string]{ID: "a" + strconv.Itoa(i), Zone: "a", Interval: second, Metadata: "metadata of a"})
		s.announce(hostmgr.Announcement[string]{ID: "b" + strconv.Itoa(i), Zone: "b", Interval: time.Hour})
	}
	s.after(second)
	lost := s.clock.Now()
	require.Equal(t, 300, s.after(second+1).Evicted)
	s.after(4 * minute)

	st := s.Stats()
	require.Equal(t, 300, st.Lost.Evicted)
	require.Equal(t, 600, st.Lost.Of)
	require.Equal(t, lost.Add(second+1), st.Lost.Last)
	require.Equal(t, "a", st.Zones[0].Name)
	require.Zero(t, st.Zones[0].Hosts)
	require.EqualValues(t, 300, st.Zones[0].Departures.Evicted)
	require.Equal(t, [2]int{300, 300}, [2]int{st.Zones[0].Lost.Evicted, st.Zones[0].Lost.Of})
	require.Equal(t, [2]int{0, 300}, [2]int{st.Zones[1].Lost.Evicted, st.Zones[1].Lost.Of})

	list := slices.Collect(s.Departures())
	require.Len(t, list, 200)
	require.Equal(t, "metadata of a", list[0].Host.Metadata)
	require.Equal(t, "silent for 2.000001s, timeout 2s at an interval of 1s", list[0].Reason())
	require.Zero(t, list[0].Attempt)
}

// The latest departures come first. More than 200 in a second do not all fit.
func TestTheLatest200Departures(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	ids := func() (ids []string) {
		for d := range s.Departures() {
			ids = append(ids, d.Host.ID)
		}
		return ids
	}
	require.Empty(t, ids())
	for i := range 450 {
		s.join(strconv.Itoa(i))
		s.clock.Advance(5 * time.Millisecond)
		require.NoError(t, s.Forget(strconv.Itoa(i), 0))
		require.Equal(t, strconv.Itoa(i), ids()[0])
		require.Len(t, ids(), min(i+1, 200))
	}
	require.Equal(t, "250", ids()[199])
	s.clock.Advance(second)
	for i := range 450 {
		s.join(strconv.Itoa(i))
		require.NoError(t, s.Forget(strconv.Itoa(i), 0))
	}
	require.Equal(t, "199", ids()[0])
	require.Equal(t, "0", ids()[199])
	s.clock.Advance(second)
	s.join("later")
	require.NoError(t, s.Forget("later", 0))
	require.Equal(t, []string{"later", "199"}, ids()[:2])
	for range s.Departures() {
		break
	}
}

// Metadata with pointers is freed with its host.
func TestDeparturesKeepNoPointers(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[*[1 << 20]byte]{})
	require.NoError(t, err)
	freed := make(chan struct{})
	func() {
		m := new([1 << 20]byte)
		runtime.AddCleanup(m, func(c chan struct{}) { close(c) }, freed)
		_, err = r.Announce(hostmgr.Announcement[*[1 << 20]byte]{ID: "a", Metadata: m})
		require.NoError(t, err)
	}()
	require.NoError(t, r.Leave(t.Context(), "a", 0))
	runtime.GC()
	<-freed
	list := slices.Collect(r.Departures())
	require.Len(t, list, 1)
	require.Equal(t, "a", list[0].Host.ID)
	require.Nil(t, list[0].Host.Metadata)
}

func TestTrend(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	trend := func() (hosts []int, evicted []uint64) {
		last := time.Time{}
		for at, st := range s.Trend() {
			require.False(t, at.Before(last))
			last = at
			hosts, evicted = append(hosts, st.Hosts), append(evicted, st.Departures.Evicted)
		}
		require.Equal(t, s.clock.Now(), last)
		return hosts, evicted
	}
	s.join("a")
	hosts, _ := trend()
	require.Equal(t, []int{1}, hosts, "as it is now")
	s.after(0)
	s.after(second / 2) // too soon for the next one
	s.after(second / 2)
	s.join("b")
	require.Equal(t, 1, s.after(second+1).Evicted)
	hosts, evicted := trend()
	require.Equal(t, []int{1, 1, 2, 1}, hosts)
	require.Equal(t, []uint64{0, 0, 0, 1}, evicted)
	for range 700 {
		s.after(second)
	}
	hosts, _ = trend()
	require.Len(t, hosts, 601)
	for range s.Trend() {
		break
	}
}

func TestConfigHasTheDefaults(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{MaxHosts: 7})
	c := s.Config()
	require.Equal(t, hostmgr.Fixed(2), c.Policy)
	require.Equal(t, 7, c.MaxHosts)
	require.Equal(t, 30*second, c.CleanupTimeout)
	require.Nil(t, c.Logger)
}

// With KeepMetadata it is there whatever its type.
func TestKeepMetadata(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[*int]{KeepMetadata: true})
	require.NoError(t, err)
	m := new(int)
	_, err = r.Announce(hostmgr.Announcement[*int]{ID: "a", Metadata: m})
	require.NoError(t, err)
	require.NoError(t, r.Forget("a", 0))
	for d := range r.Departures() {
		require.Same(t, m, d.Host.Metadata)
	}
}

// The eviction limit says until when it holds hosts, and keeps to it.
func TestHoldUntil(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1, MaxHold: minute}})
	for i := range 10 {
		s.joinZone(strconv.Itoa(i), "a")
	}
	s.after(2*second + 1)
	held := s.clock.Now()
	s.after(second)
	require.Equal(t, held.Add(minute), s.get("3").HoldUntil)
	st := s.Stats()
	require.Equal(t, 10, st.Held)
	require.WithinRange(t, st.HoldUntil, held.Add(minute), held.Add(minute+second))
	require.Zero(t, s.after(58*second).Evicted)
	require.Equal(t, 10, s.after(second).Evicted)
	require.Zero(t, s.Stats().HoldUntil)
}

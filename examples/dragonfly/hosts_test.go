package dragonfly_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"d7y.io/dragonfly/v2/scheduler/resource/standard"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/dragonfly"
	"github.com/hostlife/hostlife/hostmgr"
)

func ids(hosts []*standard.Host) []string {
	ids := []string{}
	for _, host := range hosts {
		ids = append(ids, host.ID)
	}
	return ids
}

func ranged(over func(func(any, any) bool)) []string {
	ids := []string{}
	over(func(id, host any) bool {
		if host.(*standard.Host).ID == id {
			ids = append(ids, id.(string))
		}
		return true
	})
	return ids
}

func requireState(t *testing.T, h *dragonfly.Hosts, id string, want hostmgr.State) {
	t.Helper()
	state, ok := h.State(id)
	require.True(t, ok)
	require.Equal(t, want, state)
}

// requireHeard calls Heard for a host that is there.
func requireHeard(t *testing.T, h *dragonfly.Hosts, host *standard.Host) {
	t.Helper()
	current, ok := h.Heard(host)
	require.True(t, ok)
	require.Same(t, host, current)
}

// requireGone calls Heard for a host of which the id is gone.
func requireGone(t *testing.T, h *dragonfly.Hosts, host *standard.Host) {
	t.Helper()
	current, ok := h.Heard(host)
	require.False(t, ok)
	require.Nil(t, current)
}

func TestBothManagersReadTheSame(t *testing.T) {
	long, fake := strings.Repeat("x", 2000), "sha256:"+strings.Repeat("0", 64)
	forBoth(t, func(t *testing.T, m manager, _ bool) {
		for _, host := range []*standard.Host{
			newHost("a"), newHost(""), newHost(long), newHost(fake), newSeed("seed"), newSeed("s" + long), newHostOf(3, "weak"),
		} {
			m.Store(host)
			same, loaded := m.LoadOrStore(newHostOf(host.Type, host.ID))
			require.True(t, loaded)
			require.Same(t, host, same)
		}
		normals, seeds := []string{"a", "", long, fake}, []string{"seed", "s" + long}
		all := append(append([]string{"weak"}, normals...), seeds...)
		require.Equal(t, 7, m.Len())
		require.ElementsMatch(t, all, ids(m.LoadAll()))
		require.ElementsMatch(t, all, ranged(m.Range))
		require.ElementsMatch(t, all, ids(m.LoadRandom(10, noHosts)))
		require.ElementsMatch(t, normals, ids(m.LoadAllNormals()))
		require.ElementsMatch(t, normals, ranged(m.RangeNormals))
		require.ElementsMatch(t, seeds, ids(m.LoadAllSeeds()))
		require.ElementsMatch(t, seeds, ranged(m.RangeSeeds))
		for _, over := range []func(func(any, any) bool){m.Range, m.RangeNormals, m.RangeSeeds} {
			calls := 0
			over(func(any, any) bool { calls++; return false })
			require.Equal(t, 1, calls)
		}
		for _, id := range append(all, "unknown") {
			m.Delete(id)
			_, loaded := m.Load(id)
			require.False(t, loaded)
		}
		require.Zero(t, m.Len())
		require.Empty(t, m.LoadAllSeeds())
	})
}

func TestAStoredHostReplacesTheOneBefore(t *testing.T) {
	h := newHosts(t, dragonfly.Options{})
	old, seed := newHost("a"), newSeed("a")
	onLeave(old, func() { t.Error("the peers of a host that was replaced leave") })
	for _, host := range []*standard.Host{old, seed} {
		h.Store(host)
		got, _ := h.Load("a")
		require.Same(t, host, got)
	}
	require.Empty(t, h.LoadAllNormals())
	require.Same(t, seed, h.LoadAllSeeds()[0])
	h.Store(newHost("a"))
	require.Empty(t, h.LoadAllSeeds())
	require.Len(t, h.LoadAllNormals(), 1)
}

func TestDeleteLetsNoPeersLeave(t *testing.T) {
	h := newHosts(t, dragonfly.Options{})
	host := newHost("a")
	onLeave(host, func() { t.Error("LeaveHost and DeleteHost have deleted them before") })
	h.Store(host)
	h.Delete("a")
	requireGone(t, h, host)
	require.NoError(t, h.RunGC(t.Context()))
}

func TestStateFollowsTheSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts(t, dragonfly.Options{Policy: hostmgr.Fixed(3)})
		host := newHost("a")
		h.Store(host)
		for _, want := range []hostmgr.State{hostmgr.StateAlive, hostmgr.StateLate, hostmgr.StateSuspect, hostmgr.StateOffline} {
			requireState(t, h, "a", want)
			time.Sleep(interval + 1)
		}
		requireHeard(t, h, host) // the sweep has not come yet
		requireState(t, h, "a", hostmgr.StateAlive)
		require.Equal(t, time.Now(), host.UpdatedAt.Load())
		time.Sleep(3*interval + time.Second)
		require.NoError(t, h.RunGC(t.Context()))
		requireGone(t, h, host)
		_, ok := h.State("a")
		require.False(t, ok)
	})
}

// A part of the scheduler that stores UpdatedAt without Heard loses no host.
func TestUpdatedAtAloneKeepsAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts(t, dragonfly.Options{})
		host, silent := newHost("a"), newHost("silent")
		h.Store(host)
		h.Store(silent)
		for range 20 {
			time.Sleep(interval)
			host.UpdatedAt.Store(time.Now())
			require.NoError(t, h.RunGC(t.Context()))
		}
		require.Equal(t, []string{"a"}, ids(h.LoadAll()))
		time.Sleep(2*interval + time.Second)
		for range 2 { // the first one learns of the last UpdatedAt
			require.NoError(t, h.RunGC(t.Context()))
		}
		require.Empty(t, h.LoadAll())
	})
}

// UpdatedAt may be newer than the last contact, and the host due nevertheless.
func TestAnOldUpdateDoesNotHoldAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts(t, dragonfly.Options{})
		host := newHost("a")
		h.Store(host)
		time.Sleep(time.Second)
		host.UpdatedAt.Store(time.Now())
		time.Sleep(3 * interval)
		for range 2 {
			require.NoError(t, h.RunGC(t.Context()))
		}
		require.Zero(t, h.Len())
	})
}

func TestNoIntervalIsRefused(t *testing.T) {
	for _, x := range []struct{ interval, until time.Duration }{
		{-1, 0}, {0, 0}, {1, 2}, {time.Millisecond, 2 * time.Millisecond}, {10 * time.Millisecond, 20 * time.Millisecond},
		{24 * time.Hour, 48 * time.Hour}, {25 * time.Hour, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHosts(t, dragonfly.Options{})
			h.Store(newHost("a", standard.WithAnnounceInterval(x.interval)))
			time.Sleep(x.until)
			require.NoError(t, h.RunGC(t.Context()))
			require.Equal(t, 1, h.Len(), x)
			time.Sleep(time.Nanosecond)
			if x.until == 0 {
				time.Sleep(1000 * time.Hour)
			}
			require.NoError(t, h.RunGC(t.Context()))
			require.Equal(t, x.until == 0, h.Len() == 1, x)
		})
	}
}

func TestRunGCStopsWithItsContext(t *testing.T) {
	h := newHosts(t, dragonfly.Options{})
	host := newHost("a")
	age(host, 3*interval)
	h.Store(host)
	ended, end := context.WithCancel(t.Context())
	end()
	require.ErrorIs(t, h.RunGC(ended), context.Canceled)
	require.Equal(t, 1, h.Len())
	require.NoError(t, h.RunGC(t.Context()))
	require.Zero(t, h.Len())
}

func TestNewRefusesBadOptions(t *testing.T) {
	_, err := newHostsOr(dragonfly.Options{Policy: hostmgr.Fixed(1)})
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
}

func TestAHostThatIsKeptOutIsNotStored(t *testing.T) {
	h := newHosts(t, dragonfly.Options{})
	h.Store(newHost("a"))
	require.NoError(t, h.Registry().ForgetFor("a", 0, time.Hour))
	h.Store(newSeed("a"))
	require.Zero(t, h.Len())
	require.Empty(t, h.LoadAllSeeds())
}

func TestOneOfManyLoadOrStoresStores(t *testing.T) {
	h := newHosts(t, dragonfly.Options{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	stored, got := 0, map[*standard.Host]bool{}
	for range 16 {
		wg.Go(func() {
			host, loaded := h.LoadOrStore(newSeed("a"))
			mu.Lock()
			defer mu.Unlock()
			got[host] = true
			if !loaded {
				stored++
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, stored)
	require.Len(t, got, 1)
}

package hostmgr_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A stallModel is a naive implementation of promise 4. It keeps each stall in a list, and subtracts
// the overlaps from each silence.
type stallModel struct {
	now, last, limit time.Duration
	jitter, offline  time.Duration
	stalls           []gapBetween
	sweeps           []time.Duration
	hosts            map[string]stallHost
	evicted          uint64
}

type stallHost struct{ seen, interval time.Duration }

// A gapBetween is a gap between sweeps, with the limit that it exceeded.
type gapBetween struct{ from, to, limit time.Duration }

func (m *stallModel) all() []gapBetween {
	if allowed, _ := m.driver(m.sweeps); m.limit > 0 && m.now-m.last > allowed {
		return append(m.stalls[:len(m.stalls):len(m.stalls)], gapBetween{m.last, m.now, allowed})
	}
	return m.stalls
}

// driver returns the longest gap that is no stall after these sweeps, and the latest gap that was
// none because the driver was slow. The driver is slow after 8 gaps in a row above the limit.
func (m *stallModel) driver(sweeps []time.Duration) (allowed time.Duration, gap gapBetween) {
	var row []time.Duration
	last, ended := time.Duration(0), time.Duration(0)
	allowed = m.limit
	for _, at := range sweeps {
		switch {
		case m.limit > 0 && at-last > m.limit:
			if at-last <= allowed {
				gap = gapBetween{last, at, m.limit}
			}
			row, ended = append(row, at-last), at
		case at > ended && at-ended >= m.limit/2:
			row = nil
		}
		if allowed = m.limit; len(row) >= 8 {
			allowed = 2 * slices.Sorted(slices.Values(row[len(row)-8:]))[4] // the fourth longest
		}
		last = at
	}
	return allowed, gap
}

func (m *stallModel) state(h stallHost) hostmgr.State {
	stalls := m.all()
	silence := m.now - h.seen
	for _, s := range stalls {
		silence -= max(0, min(s.to, m.now)-max(s.from, h.seen))
	}
	timeout := h.interval + m.offline
	deadline := m.now - silence + timeout
	if len(stalls) > 0 {
		last := stalls[len(stalls)-1]
		deadline = max(deadline, min(last.to+h.interval+last.limit, deadline+timeout))
	}
	_, gap := m.driver(append(m.sweeps[:len(m.sweeps):len(m.sweeps)], m.now))
	grace := m.now <= deadline || gap.from <= deadline && m.now <= gap.to+gap.limit
	switch {
	case silence > timeout && !grace:
		return hostmgr.StateOffline
	case silence > h.interval+m.jitter:
		return hostmgr.StateSuspect
	case silence > h.interval:
		return hostmgr.StateLate
	}
	return hostmgr.StateAlive
}

func (m *stallModel) sweep() {
	m.stalls = m.all()
	m.last = m.now
	m.sweeps = append(m.sweeps, m.now)
	for id, h := range m.hosts {
		if m.state(h) == hostmgr.StateOffline {
			delete(m.hosts, id)
			m.evicted++
		}
	}
}

// Random announces, heartbeats, sweeps and steps of the clock, with stalls and with normal gaps.
// After each step all states are those of the model.
func TestPromise4AgainstANaiveModel(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		m := &stallModel{limit: time.Duration(rnd.IntN(4)) * 70 * time.Millisecond, hosts: map[string]stallHost{}}
		m.jitter = time.Duration(1+rnd.IntN(30)) * 10 * time.Millisecond
		m.offline = m.jitter + time.Duration(rnd.IntN(40))*10*time.Millisecond
		s := newScript(t, hostmgr.Config[string]{
			StallThreshold: m.limit, Policy: hostmgr.Tiered{Jitter: m.jitter, Offline: m.offline},
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				require.Equal(t, d.At.Sub(d.Host.LastContact), d.Silence+d.StallTime)
				require.True(t, d.Kind != hostmgr.DepartureEvicted || d.Silence > d.Timeout)
				return nil
			},
		})
		start := s.clock.Now()
		for range 300 {
			stallStep(t, s, m, rnd)
			require.Equal(t, len(m.hosts), s.Len())
			for id, want := range m.hosts {
				got := s.get(id)
				if got.State != m.state(want) || got.LastContact.Sub(start) != want.seen {
					t.Fatalf("seed %d, %s: %v, not %v: %+v", seed, id, got, m.state(want), m)
				}
			}
		}
		require.Equal(t, m.evicted, s.Stats().Departures.Evicted)
		require.Equal(t, len(m.stalls), int(s.Stats().Stalls))
	}
}

func stallStep(t *testing.T, s *script, m *stallModel, rnd *rand.Rand) {
	id := strconv.Itoa(rnd.IntN(8))
	h, there := m.hosts[id]
	switch rnd.IntN(8) {
	case 0, 1:
		h = stallHost{m.now, 10 * time.Millisecond << rnd.IntN(6)}
		s.announce(hostmgr.Announcement[string]{ID: id, Interval: h.interval})
		m.hosts[id] = h
	case 2:
		_, err := s.Heartbeat(id, 0)
		h.seen = m.now
		keep(t, m, id, h, there, err)
	case 3:
		age := time.Duration(rnd.IntN(500)) * time.Millisecond
		err := s.Observe(id, 0, age)
		h.seen = max(h.seen, m.now-min(m.now, age))
		keep(t, m, id, h, there, err)
	case 4, 5:
		s.Sweep(context.Background())
		m.sweep()
	default:
		d := time.Duration(rnd.IntN(30))*10*time.Millisecond + time.Duration(rnd.IntN(2))
		m.now += d
		s.clock.Advance(d)
	}
}

func keep(t *testing.T, m *stallModel, id string, h stallHost, there bool, err error) {
	require.Equal(t, there, err == nil)
	if there {
		m.hosts[id] = h
	}
}

// A host has a contact during a stall that no sweep has found yet. For its silence only the rest of
// the stall does not count.
func TestPromise4AHeartbeatWithinAStallThatNoSweepHasFound(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second, Policy: hostmgr.Fixed(20)})
	s.join("a")
	s.clock.Advance(4 * second)
	s.heartbeat("a")
	heard := s.clock.Now()
	s.clock.Advance(6 * second)
	require.Equal(t, heard.Add(6*second+20*second), s.get("a").EvictAt)
}

func TestAStallIsLogged(t *testing.T) {
	var said strings.Builder
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second, Logger: slog.New(slog.NewTextHandler(&said, nil))})
	s.after(second)
	require.Empty(t, said.String())
	s.after(7 * second)
	require.Contains(t, said.String(), `level=WARN msg="the registry was stalled" stall_time=7s`)
	require.Equal(t, uint64(2), s.Stats().Sweeps)
}

package hostmgr_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A deafModel is what promise 4 says, by brute force: every stall in a list, every
// silence added up from its overlaps with them.
type deafModel struct {
	now, last, limit time.Duration
	jitter, offline  time.Duration
	stalls           [][2]time.Duration
	hosts            map[string]deafHost
	evicted          uint64
}

type deafHost struct{ seen, interval time.Duration }

func (m *deafModel) all() [][2]time.Duration {
	if m.limit > 0 && m.now-m.last > m.limit {
		return append(m.stalls[:len(m.stalls):len(m.stalls)], [2]time.Duration{m.last, m.now})
	}
	return m.stalls
}

func (m *deafModel) state(h deafHost) hostmgr.State {
	stalls := m.all()
	silence := m.now - h.seen
	for _, s := range stalls {
		silence -= max(0, min(s[1], m.now)-max(s[0], h.seen))
	}
	patience := h.interval + m.offline
	grace := false
	if len(stalls) > 0 {
		end := stalls[len(stalls)-1][1]
		grace = m.now <= end+h.interval+m.limit && silence <= 2*patience
	}
	switch {
	case silence > patience && !grace:
		return hostmgr.Offline
	case silence > h.interval+m.jitter:
		return hostmgr.Suspect
	case silence > h.interval:
		return hostmgr.Late
	}
	return hostmgr.Alive
}

func (m *deafModel) sweep() {
	m.stalls = m.all()
	m.last = m.now
	for id, h := range m.hosts {
		if m.state(h) == hostmgr.Offline {
			delete(m.hosts, id)
			m.evicted++
		}
	}
}

// Random announces, beats, sweeps and moves of the clock, with gaps that are
// stalls and gaps that are not: at every step every state is that of the model.
func TestPromise4AgainstBruteForce(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		m := &deafModel{limit: time.Duration(rnd.IntN(4)) * 70 * time.Millisecond, hosts: map[string]deafHost{}}
		m.jitter = time.Duration(1+rnd.IntN(30)) * 10 * time.Millisecond
		m.offline = m.jitter + time.Duration(rnd.IntN(40))*10*time.Millisecond
		s := newScript(t, hostmgr.Config[string]{
			MaxGap: m.limit, Policy: hostmgr.Tiered{Jitter: m.jitter, Offline: m.offline},
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				require.Equal(t, d.At.Sub(d.Host.LastSeen), d.Silence+d.Excused)
				require.True(t, d.Kind != hostmgr.Evicted || d.Silence > d.Patience)
				return nil
			},
		})
		start := s.clock.Now()
		for range 300 {
			deafStep(t, s, m, rnd)
			require.Equal(t, len(m.hosts), s.Len())
			for id, want := range m.hosts {
				got := s.get(id)
				if got.State != m.state(want) || got.LastSeen.Sub(start) != want.seen {
					t.Fatalf("seed %d, %s: %v, not %v: %+v", seed, id, got, m.state(want), m)
				}
			}
		}
		require.Equal(t, m.evicted, s.Stats().Evicted)
		require.Equal(t, len(m.stalls), int(s.Stats().Stalls))
	}
}

func deafStep(t *testing.T, s *script, m *deafModel, rnd *rand.Rand) {
	id := strconv.Itoa(rnd.IntN(8))
	h, there := m.hosts[id]
	switch rnd.IntN(8) {
	case 0, 1:
		h = deafHost{m.now, 10 * time.Millisecond << rnd.IntN(6)}
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

func keep(t *testing.T, m *deafModel, id string, h deafHost, there bool, err error) {
	require.Equal(t, there, err == nil)
	if there {
		m.hosts[id] = h
	}
}

// What a host shows while a stall goes on that no sweep has seen, and it was heard in it: only
// the rest of the stall is excused.
func TestPromise4ABeatWithinAStallThatNoSweepHasSeen(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{MaxGap: second, Policy: hostmgr.Multiple(20)})
	s.join("a")
	s.clock.Advance(4 * second)
	s.beat("a")
	heard := s.clock.Now()
	s.clock.Advance(6 * second)
	require.Equal(t, heard.Add(6*second+20*second), s.get("a").EvictAt)
}

// A registry that stalls again and again, for years, does not remember all of it.
func TestStallsWithoutEndTakeNoRoom(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{MaxGap: second})
	before := heap()
	for range 100_000 {
		s.after(2 * second)
	}
	require.Less(t, heap()-before, int64(1<<20))
	s.join("a")
	s.after(2 * second)
	require.Equal(t, hostmgr.Alive, s.get("a").State)
	require.Equal(t, uint64(100_001), s.Stats().Stalls)
}

func TestAStallIsLogged(t *testing.T) {
	var said strings.Builder
	s := newScript(t, hostmgr.Config[string]{MaxGap: second, Logger: slog.New(slog.NewTextHandler(&said, nil))})
	s.after(second)
	require.Empty(t, said.String())
	s.after(7 * second)
	require.Contains(t, said.String(), `level=WARN msg="stall: the registry was not listening" excused=7s`)
	require.Equal(t, uint64(2), s.Stats().Sweeps)
}

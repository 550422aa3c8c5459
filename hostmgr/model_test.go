package hostmgr_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A model is the registry as anyone would write it first: one map, full scans.
type model struct {
	now   time.Duration
	hosts map[string]modelHost
	gone  map[hostmgr.Kind]int
}

type modelHost struct {
	incarnation    uint64
	seen, interval time.Duration
}

func (m *model) announce(id string, incarnation uint64, interval time.Duration) error {
	old, there := m.hosts[id]
	switch {
	case there && incarnation < old.incarnation:
		return hostmgr.ErrStale
	case there && incarnation > old.incarnation:
		m.gone[hostmgr.Replaced]++
	}
	m.hosts[id] = modelHost{incarnation, m.now, interval}
	return nil
}

// find returns the living host that a call of this incarnation means.
func (m *model) find(id string, incarnation uint64) (modelHost, error) {
	h, there := m.hosts[id]
	switch {
	case !there || incarnation > h.incarnation:
		return h, hostmgr.ErrUnknownHost
	case incarnation != 0 && incarnation < h.incarnation:
		return h, hostmgr.ErrStale
	}
	return h, nil
}

func (m *model) observe(id string, incarnation uint64, age time.Duration) error {
	h, err := m.find(id, incarnation)
	if err == nil {
		h.seen = max(h.seen, m.now-age)
		m.hosts[id] = h
	}
	return err
}

func (m *model) remove(id string, incarnation uint64, k hostmgr.Kind) error {
	_, err := m.find(id, incarnation)
	if err == nil {
		delete(m.hosts, id)
		m.gone[k]++
	}
	return err
}

func (m *model) sweep() {
	for id, h := range m.hosts {
		if m.now-h.seen > 2*h.interval {
			delete(m.hosts, id)
			m.gone[hostmgr.Evicted]++
		}
	}
}

// FuzzModel reads its input as a script, four bytes a step, and plays it to the
// registry and to the model.
func FuzzModel(f *testing.F) {
	for seed := range uint64(40) {
		script := make([]byte, 4*200)
		rnd := rand.New(rand.NewPCG(seed, 0))
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		cleaned := map[hostmgr.Kind]int{}
		s := newScript(t, hostmgr.Config[string]{
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				cleaned[d.Kind]++
				return nil
			},
		})
		m := &model{hosts: map[string]modelHost{}, gone: map[hostmgr.Kind]int{}}
		for ; len(script) >= 4; script = script[4:] {
			want, got := step(s, m, script[:4])
			require.Equal(t, want, got)
			compare(t, s, m)
		}
		s.Sweep(context.Background())
		m.sweep()
		compare(t, s, m)
		delete(m.gone, hostmgr.Forgotten)
		require.Equal(t, m.gone, cleaned)
	})
}

// step does one thing to both and returns both answers.
func step(s *script, m *model, b []byte) (want, got error) {
	id := string('a' + rune(b[1]%8))
	incarnation := uint64(b[2] % 4)
	interval := 10 * time.Millisecond << (b[3] % 8)
	switch b[0] % 8 {
	case 0, 1:
		_, got = s.Announce(hostmgr.Announcement[string]{ID: id, Interval: interval, Incarnation: incarnation + 1})
		return m.announce(id, incarnation+1, interval), got
	case 2, 3:
		_, got = s.Heartbeat(id, incarnation)
		return m.observe(id, incarnation, 0), got
	case 4:
		age := min(m.now, interval/3)
		return m.observe(id, incarnation, age), s.Observe(id, incarnation, age)
	case 5:
		if b[3]%2 == 0 {
			return m.remove(id, incarnation, hostmgr.Forgotten), s.Forget(id, incarnation)
		}
		return m.remove(id, incarnation, hostmgr.Left), s.Leave(context.Background(), id, incarnation)
	case 6:
		m.sweep()
		s.Sweep(context.Background())
	case 7: // whole intervals, often enough, so that boundaries are met
		d := interval / time.Duration(1+b[1]%3)
		m.now += d
		s.clock.Advance(d)
	}
	return nil, nil
}

func compare(t *testing.T, s *script, m *model) {
	t.Helper()
	require.Equal(t, len(m.hosts), s.Len())
	require.Equal(t, slices.Sorted(maps.Keys(m.hosts)), s.ids())
	for id, want := range m.hosts {
		h := s.get(id)
		silence := m.now - want.seen
		due := silence > 2*want.interval
		got := fmt.Sprint(h.Incarnation, h.Interval, s.clock.Now().Sub(h.LastSeen), h.State == hostmgr.Offline)
		require.Equal(t, fmt.Sprint(want.incarnation, want.interval, silence, due), got)
	}
	st := s.Stats()
	require.Equal(t, st.Joins, uint64(s.Len())+st.Left+st.Evicted+st.Replaced+st.Forgotten)
}

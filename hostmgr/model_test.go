package hostmgr_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A model is a naive registry: one map, full scans.
type model struct {
	policy hostmgr.Policy
	limit  int // of hosts; 0: none
	now    time.Duration
	behind time.Duration // how far the clock is behind, after a step back
	hosts  map[string]modelHost
	gone   map[hostmgr.DepartureKind]int
	ended  map[string]modelEnd // by a leave or a newer incarnation
	again  map[string]modelEnd // ends that were known already: see isUnsure
	kept   map[string]modelEnd // out, by ForgetFor
}

type modelHost struct {
	incarnation            uint64
	joined, seen, interval time.Duration
	before                 time.Duration // from the last contact to a Restore at seen, if none came since
	metadata               string
	wasSuspect             bool // before a Restore at seen, and not heard of since
}

func newModel(p hostmgr.Policy) *model {
	m := &model{policy: p, hosts: map[string]modelHost{}, gone: map[hostmgr.DepartureKind]int{}}
	m.forgetEnds()
	return m
}

func (m *model) announce(id string, incarnation uint64, interval time.Duration) error {
	old, there := m.hosts[id]
	joined := m.now
	switch {
	case there && incarnation < old.incarnation, (!there || incarnation > old.incarnation) && m.over(id, incarnation):
		return hostmgr.ErrStale
	case !there && m.limit > 0 && len(m.hosts) == m.limit:
		return hostmgr.ErrFull
	case there && incarnation > old.incarnation:
		m.gone[hostmgr.DepartureReplaced]++
		m.end(id, old.incarnation)
	case there:
		joined, interval = old.joined, cmp.Or(interval, old.interval)
	}
	interval = cmp.Or(interval, hostmgr.DefaultInterval)
	m.hosts[id] = modelHost{incarnation: incarnation, joined: joined, seen: m.now, interval: interval}
	return nil
}

func (m *model) update(id string, incarnation uint64, change func(string) string) error {
	h, err := m.find(id, incarnation)
	if err == nil {
		h.metadata = change(h.metadata)
		m.hosts[id] = h
	}
	return err
}

// find returns the host that a call of this incarnation refers to.
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
		if at := m.now - age; at >= h.seen {
			h.seen, h.before, h.wasSuspect = at, 0, false
		} else if h.seen-at < h.before {
			suspect, evict := m.policy.Timeouts(hostmgr.History{Interval: h.interval})
			h.before = h.seen - at
			h.wasSuspect = h.wasSuspect && h.before > cmp.Or(suspect, evict)
		}
		m.hosts[id] = h
	}
	return err
}

func (m *model) remove(id string, incarnation uint64, k hostmgr.DepartureKind) error {
	h, err := m.find(id, incarnation)
	if err == nil {
		delete(m.hosts, id)
		m.gone[k]++
	}
	if err == nil && k == hostmgr.DepartureLeft {
		m.end(id, h.incarnation)
	}
	return err
}

func (m *model) sweep() (evicted int) {
	for id, h := range m.hosts {
		if m.state(h) == hostmgr.StateOffline {
			delete(m.hosts, id)
			m.gone[hostmgr.DepartureEvicted]++
			evicted++
		}
	}
	return evicted
}

func (m *model) state(h modelHost) hostmgr.State {
	suspect, evict := m.policy.Timeouts(hostmgr.History{Interval: h.interval})
	switch silence := m.now - h.seen; {
	case evict > 0 && silence > evict:
		return hostmgr.StateOffline
	case suspect > 0 && silence > suspect || h.wasSuspect:
		return hostmgr.StateSuspect
	case silence+h.before > h.interval:
		return hostmgr.StateLate
	}
	return hostmgr.StateAlive
}

// FuzzModel reads its input as a script with four bytes a step, and runs it against the registry
// and the model.
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
		cleaned := map[hostmgr.DepartureKind]int{}
		s := newScript(t, hostmgr.Config[string]{
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				cleaned[d.Kind]++
				return nil
			},
		})
		m := newModel(hostmgr.Fixed(2))
		for ; len(script) >= 4; script = script[4:] {
			want, got := step(s, m, script[:4])
			require.Equal(t, want, got)
			require.Empty(t, m.differ(s))
		}
		s.Sweep(context.Background())
		m.sweep()
		require.Empty(t, m.differ(s))
		delete(m.gone, hostmgr.DepartureForgotten)
		require.Equal(t, m.gone, cleaned)
	})
}

// step makes one call to both and returns both answers.
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
		if b[3]%4 == 1 {
			return m.keepOut(id, incarnation, 20*interval), s.ForgetFor(id, incarnation, 20*interval)
		}
		if b[3]%2 == 0 {
			return m.remove(id, incarnation, hostmgr.DepartureForgotten), s.Forget(id, incarnation)
		}
		return m.remove(id, incarnation, hostmgr.DepartureLeft), s.Leave(context.Background(), id, incarnation)
	case 6:
		m.sweep()
		s.Sweep(context.Background())
	case 7: // often whole intervals, so that deadlines are met exactly
		d := interval / time.Duration(1+b[1]%3)
		if b[2]%16 == 0 {
			d = 5 * time.Minute
		}
		m.now += d
		s.clock.Advance(d)
	}
	return nil, nil
}

// start returns the reading of the clock at the begin of the registry's time.
func (m *model) start(now time.Time) time.Time { return now.Add(m.behind - m.now) }

// differ describes how the registry differs from the model. It is empty if they agree.
func (m *model) differ(s *script) string {
	shown, start, metadata := 0, m.start(s.clock.Now()), map[string]string{}
	for h := range s.All() {
		shown++
		want, there := m.hosts[h.ID]
		got := modelHost{h.Incarnation, h.Joined.Sub(start), h.LastContact.Sub(start) + want.before, h.Interval, want.before, h.Metadata, want.wasSuspect}
		if !there || got != want || h.State != m.state(want) {
			return fmt.Sprintf("%s is %+v, %v; not %+v, %v", h.ID, got, h.State, want, m.state(want))
		}
		if again, ok := s.Get(h.ID); !ok || again != h {
			return fmt.Sprintf("%s is %+v, but Get says %+v", h.ID, h, again)
		}
		if data, ok := s.Metadata(h.ID); !ok || data != h.Metadata {
			return fmt.Sprintf("%s is %+v, but Metadata says %q", h.ID, h, data)
		}
		metadata[h.ID] = h.Metadata
	}
	if got := s.allMetadata(); !maps.Equal(got, metadata) {
		return fmt.Sprintf("AllMetadata yields %q, not %q", got, metadata)
	}
	if shown != len(m.hosts) || shown != s.Len() {
		return fmt.Sprintf("%d are shown, %d counted, %d there", shown, s.Len(), len(m.hosts))
	}
	st := s.Stats()
	got := [4]uint64{st.Departures.Left, st.Departures.Evicted, st.Departures.Replaced, st.Departures.Forgotten}
	want := [4]uint64{}
	for k, n := range m.gone {
		want[k-hostmgr.DepartureLeft] = uint64(n)
	}
	if got != want || st.Joins != uint64(shown)+got[0]+got[1]+got[2]+got[3] {
		return fmt.Sprintf("%d joined and %v departed, not %v", st.Joins, got, want)
	}
	return ""
}

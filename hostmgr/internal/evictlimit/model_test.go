package evictlimit

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/internal/effort"
)

const everywhere = "" // besides the zones a, b and c

// limitModel is what a limit without PerSecond promises, by brute force. How long an eviction
// counts is exact to an eighth of MaxHold, so it has two opinions on which hosts are missing: those
// that are for sure, and those that may be.
type limitModel struct {
	*registry
	t      *testing.T
	config Config
	lost   map[string][]int64 // evictions that were not forced by MaxHold
	maybe  map[string]int64   // when too many may have been missing last
	forced int
	gone   int
}

func newLimitModel(t *testing.T, c Config) *limitModel {
	m := &limitModel{t: t, config: c, lost: map[string][]int64{}, maybe: map[string]int64{}}
	m.registry = newRegistry(c, &detector.Timeouts{Interval: second, Suspect: second * 3 / 2, Evict: 2 * second})
	for i := range 24 {
		m.hosts = append(m.hosts, &host{id: string(rune('a'+i/8)) + strconv.Itoa(i%8)})
	}
	return m
}

// tooMany counts those of a zone that are suspect or due, or were evicted within span.
func (m *limitModel) tooMany(zone string, span time.Duration) bool {
	missing, total := 0, 0
	for h := range m.all {
		if zone == everywhere || h.zone == zone {
			total++
			if m.state(h) >= detector.StateSuspect {
				missing++
			}
		}
	}
	for _, at := range m.lost[zone] {
		if m.now-at <= int64(span) {
			missing++
			total++
		}
	}
	return missing > 1 && float64(missing)/float64(total) > m.config.MaxFraction
}

// check sweeps, and looks at which hosts went, and which stayed.
func (m *limitModel) check() {
	sure := map[string]bool{}
	for _, z := range []string{everywhere, "a", "b", "c"} {
		sure[z] = m.tooMany(z, m.config.MaxHold*7/8)
		if m.tooMany(z, m.config.MaxHold*9/8) {
			m.maybe[z] = m.now
		}
	}
	m.forget()
	for _, d := range m.sweep() {
		m.went(d, sure[everywhere] || sure[d.zone])
	}
	m.forget()
	for h := range m.all {
		calm := m.now - max(m.maybe[everywhere], m.maybe[h.zone])
		if m.state(h) == detector.StateOffline && calm > int64(2*second) {
			m.t.Fatalf("held though none are missing: %+v", h)
		}
	}
}

// forget forgets what was lost of a zone without hosts.
func (m *limitModel) forget() {
	there := map[string]bool{everywhere: true}
	for h := range m.all {
		there[h.zone] = true
	}
	for zone := range m.lost {
		if !there[zone] {
			delete(m.lost, zone)
		}
	}
}

func (m *limitModel) went(d departure, sure bool) {
	m.gone++
	if d.heldFor >= int64(m.config.MaxHold) {
		require.Less(m.t, d.heldFor, int64(m.config.MaxHold+second))
		m.forced++
		return
	}
	require.False(m.t, sure, "evicted though too many are missing: %+v", d)
	for _, z := range []string{everywhere, d.zone} {
		m.lost[z] = append(m.lost[z], m.now)
	}
}

// credit has a host that joins stand for the latest that was lost.
func (m *limitModel) credit(zone string) {
	if n := len(m.lost[zone]); n > 0 {
		m.lost[zone] = m.lost[zone][:n-1]
	}
}

// shake has something happen to a host, and all others send a heartbeat that are not cut off.
func (m *limitModel) shake(rnd *rand.Rand, cut map[string]int64) {
	h, other := m.hosts[rnd.IntN(24)], string(rune('a'+rnd.IntN(3)))
	zone, id, there := h.id[:1], h.id, h.there
	until := m.now + rnd.Int64N(int64(10*second))
	switch n := rnd.IntN(30); {
	case n == 0:
		cut[zone] = until
	case n == 1 || n == 2:
		cut[id] = until
	case n == 3 && there:
		m.leave(h)
	case n >= 4 && n <= 6 && !there:
		m.credit(everywhere)
		m.credit(zone)
		m.join(h, zone)
	case n >= 4 && n <= 6:
		m.heartbeat(h)
		m.move(h, zone)
	case n == 7 && there:
		m.heartbeat(h)
		m.move(h, other)
	}
	for h := range m.all {
		if m.now > cut[h.zone] && m.now > cut[h.id] {
			m.heartbeat(h)
		}
	}
}

// Zones are cut off and come back; hosts die, leave, and move to another zone, at random.
func TestTheLimitAgainstAModel(t *testing.T) {
	held, forced, evicted := 0, 0, 0
	for seed := range effort.Times[uint64](1000, 10_000) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		m := newLimitModel(t, Config{MaxFraction: 0.1 + rnd.Float64()*0.8, MaxHold: time.Duration(4+rnd.IntN(20)) * second})
		cut := map[string]int64{}
		for range 400 {
			m.now += int64(1+rnd.IntN(5)) * int64(100*time.Millisecond)
			m.shake(rnd, cut)
			m.check()
			m.figures()
			held += m.limit.All().Held
		}
		forced, evicted = forced+m.forced, evicted+m.gone
	}
	require.Positive(t, held)
	require.Positive(t, forced)
	require.Greater(t, evicted, 2*forced, "the limit is not all there is")
}

// figures are those of the hosts, by zone.
func (m *limitModel) figures() {
	want := map[string]Counts{}
	for h := range m.all {
		c := want[h.zone]
		c.Name = h.zone
		c.Hosts++
		if h.suspect {
			c.Suspects++
		}
		if h.held {
			c.Held++
		}
		want[h.zone] = c
	}
	for c := range m.limit.Zones(0) {
		c.Reason, c.Until = Reason{}, 0
		if c != want[c.Name] {
			m.t.Fatalf("%+v, not %+v", c, want[c.Name])
		}
		delete(want, c.Name)
	}
	require.Empty(m.t, want)
}

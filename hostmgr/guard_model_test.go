package hostmgr_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

const everywhere = "" // beside the zones a, b and c

// A guardModel is what a Guard without PerSecond promises, by brute force. How long an
// eviction counts is settled to an eighth of Hold, so it has two opinions of who is missing:
// those who are for sure, and those who may be.
type guardModel struct {
	*script
	guard  hostmgr.Guard
	diary  *diary
	lost   map[string][]time.Time // evictions that were not forced by Hold
	maybe  map[string]time.Time   // when too many may have been missing last
	forced int
}

// tooMany counts those of a zone that are suspect or due, or were evicted within span.
func (m *guardModel) tooMany(zone string, span time.Duration) bool {
	missing, total := 0, 0
	for h := range m.All() {
		if zone == everywhere || h.Zone == zone {
			total++
			if h.State >= hostmgr.Suspect {
				missing++
			}
		}
	}
	for _, at := range m.lost[zone] {
		if m.clock.Since(at) <= span {
			missing++
			total++
		}
	}
	return missing > 1 && float64(missing)/float64(total) > m.guard.MaxFraction
}

// sweep sweeps, and looks at who went, and who stayed.
func (m *guardModel) sweep() {
	sure := map[string]bool{}
	for _, z := range []string{everywhere, "a", "b", "c"} {
		sure[z] = m.tooMany(z, m.guard.Hold*7/8)
		if m.tooMany(z, m.guard.Hold*9/8) {
			m.maybe[z] = m.clock.Now()
		}
	}
	m.forget()
	seen := len(m.diary.departures)
	m.Sweep(context.Background())
	for _, d := range m.diary.departures[seen:] {
		if d.Kind == hostmgr.Evicted {
			m.went(d, sure[everywhere] || sure[d.Host.Zone])
		}
	}
	m.forget()
	for h := range m.All() {
		calm := min(m.clock.Since(m.maybe[everywhere]), m.clock.Since(m.maybe[h.Zone]))
		require.False(m.t, h.State == hostmgr.Offline && calm > 2*second, "held though none are missing: %+v", h)
	}
}

// forget forgets what was lost of a zone that nobody is in any more.
func (m *guardModel) forget() {
	there := map[string]bool{everywhere: true}
	for h := range m.All() {
		there[h.Zone] = true
	}
	maps.DeleteFunc(m.lost, func(zone string, _ []time.Time) bool { return !there[zone] })
}

func (m *guardModel) went(d hostmgr.Departure[string], sure bool) {
	if d.HeldFor >= m.guard.Hold {
		require.Less(m.t, d.HeldFor, m.guard.Hold+second)
		m.forced++
		return
	}
	require.False(m.t, sure, "evicted though too many are missing: %+v", d)
	for _, z := range []string{everywhere, d.Host.Zone} {
		m.lost[z] = append(m.lost[z], d.At)
	}
}

// Zones are cut off and come back, hosts die, leave, and move to another zone, at random.
func TestGuardAgainstBruteForce(t *testing.T) {
	held, forced, evicted := 0, 0, 0
	for seed := range uint64(times(40, 4000)) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		m := &guardModel{
			guard: hostmgr.Guard{MaxFraction: 0.1 + rnd.Float64()*0.8, Hold: time.Duration(4+rnd.IntN(20)) * second},
			diary: &diary{}, lost: map[string][]time.Time{}, maybe: map[string]time.Time{},
		}
		m.script = newScript(t, hostmgr.Config[string]{Guard: m.guard, Cleanup: m.diary.cleanup})
		cut := map[string]time.Time{}
		for range 400 {
			m.clock.Advance(time.Duration(1+rnd.IntN(5)) * 100 * time.Millisecond)
			m.shake(rnd, cut)
			m.sweep()
			held += m.Stats().Held
		}
		forced += m.forced
		evicted += int(m.Stats().Evicted)
	}
	require.Positive(t, held)
	require.Positive(t, forced)
	require.Greater(t, evicted, 2*forced, "the guard is not all there is")
}

// makeUp has one who joins stand for the last who was lost.
func (m *guardModel) makeUp(zone string) {
	if n := len(m.lost[zone]); n > 0 {
		m.lost[zone] = m.lost[zone][:n-1]
	}
}

// shake has something happen to somebody, and everybody beat who is not cut off.
func (m *guardModel) shake(rnd *rand.Rand, cut map[string]time.Time) {
	zone := string(rune('a' + rnd.IntN(3)))
	id := zone + strconv.Itoa(rnd.IntN(8))
	switch until := m.clock.Now().Add(time.Duration(rnd.IntN(10000)) * time.Millisecond); rnd.IntN(30) {
	case 0:
		cut[zone] = until
	case 1, 2:
		cut[id] = until
	case 3:
		_ = m.Leave(context.Background(), id, 0)
	case 4, 5, 6:
		if m.gone(id) {
			m.makeUp(everywhere)
			m.makeUp(zone)
		}
		m.announce(hostmgr.Announcement[string]{ID: id, Interval: second, Zone: zone})
	case 7:
		if zone := string(rune('a' + rnd.IntN(3))); !m.gone(id) {
			m.announce(hostmgr.Announcement[string]{ID: id, Interval: second, Zone: zone})
		}
	}
	for h := range m.All() {
		if m.clock.Now().After(cut[h.Zone]) && m.clock.Now().After(cut[h.ID]) {
			m.beat(h.ID)
		}
	}
}

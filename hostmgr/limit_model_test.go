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

const everywhere = "" // all hosts, in addition to the zones a, b and c

// A limitModel is a naive implementation of an EvictionLimit without PerSecond. The time for which
// an eviction counts is exact to an eighth of MaxHold only. So the model has two numbers of missing
// hosts: those that are certainly missing, and those that may be.
type limitModel struct {
	*script
	limit    hostmgr.EvictionLimit
	cleanups *cleanupLog
	lost     map[string][]time.Time // evictions that MaxHold did not force
	maybe    map[string]time.Time   // when too many may have been missing last
	forced   int
}

// tooMany reports whether too many hosts of a zone are suspect, due, or were evicted within span.
func (m *limitModel) tooMany(zone string, span time.Duration) bool {
	missing, total := 0, 0
	for h := range m.All() {
		if zone == everywhere || h.Zone == zone {
			total++
			if h.State >= hostmgr.StateSuspect {
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
	return missing > 1 && float64(missing)/float64(total) > m.limit.MaxFraction
}

// sweep sweeps, and checks which hosts were evicted and which stayed.
func (m *limitModel) sweep() {
	sure := map[string]bool{}
	for _, z := range []string{everywhere, "a", "b", "c"} {
		sure[z] = m.tooMany(z, m.limit.MaxHold*7/8)
		if m.tooMany(z, m.limit.MaxHold*9/8) {
			m.maybe[z] = m.clock.Now()
		}
	}
	m.forget()
	seen := len(m.cleanups.departures)
	m.Sweep(context.Background())
	for _, d := range m.cleanups.departures[seen:] {
		if d.Kind == hostmgr.DepartureEvicted {
			m.evicted(d, sure[everywhere] || sure[d.Host.Zone])
		}
	}
	m.forget()
	for h := range m.All() {
		calm := min(m.clock.Since(m.maybe[everywhere]), m.clock.Since(m.maybe[h.Zone]))
		require.False(m.t, h.State == hostmgr.StateOffline && calm > 2*second, "held though none are missing: %+v", h)
	}
}

// forget drops the evictions of a zone without hosts.
func (m *limitModel) forget() {
	there := map[string]bool{everywhere: true}
	for h := range m.All() {
		there[h.Zone] = true
	}
	maps.DeleteFunc(m.lost, func(zone string, _ []time.Time) bool { return !there[zone] })
}

func (m *limitModel) evicted(d hostmgr.Departure[string], sure bool) {
	if d.HeldFor >= m.limit.MaxHold {
		require.Less(m.t, d.HeldFor, m.limit.MaxHold+second)
		m.forced++
		return
	}
	require.False(m.t, sure, "evicted though too many are missing: %+v", d)
	for _, z := range []string{everywhere, d.Host.Zone} {
		m.lost[z] = append(m.lost[z], d.At)
	}
}

// At random, zones are cut off and come back, and hosts crash, leave and move to other zones.
func TestEvictionLimitAgainstANaiveModel(t *testing.T) {
	held, forced, evicted := 0, 0, 0
	for seed := range uint64(times(10, 4000)) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		m := &limitModel{
			limit:    hostmgr.EvictionLimit{MaxFraction: 0.1 + rnd.Float64()*0.8, MaxHold: time.Duration(4+rnd.IntN(20)) * second},
			cleanups: &cleanupLog{}, lost: map[string][]time.Time{}, maybe: map[string]time.Time{},
		}
		m.script = newScript(t, hostmgr.Config[string]{EvictionLimit: m.limit, Cleanup: m.cleanups.cleanup})
		cut := map[string]time.Time{}
		for range 400 {
			m.clock.Advance(time.Duration(1+rnd.IntN(5)) * 100 * time.Millisecond)
			m.disturb(rnd, cut)
			m.sweep()
			held += m.Stats().Held
		}
		forced += m.forced
		evicted += int(m.Stats().Departures.Evicted)
	}
	require.Positive(t, held)
	require.Positive(t, forced)
	require.Greater(t, evicted, 2*forced, "most evictions are not forced by MaxHold")
}

// creditJoin lets a join make up for the last eviction.
func (m *limitModel) creditJoin(zone string) {
	if n := len(m.lost[zone]); n > 0 {
		m.lost[zone] = m.lost[zone][:n-1]
	}
}

// disturb changes some hosts, and sends heartbeats of all hosts that are not cut off.
func (m *limitModel) disturb(rnd *rand.Rand, cut map[string]time.Time) {
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
			m.creditJoin(everywhere)
			m.creditJoin(zone)
		}
		m.announce(hostmgr.Announcement[string]{ID: id, Interval: second, Zone: zone})
	case 7:
		if zone := string(rune('a' + rnd.IntN(3))); !m.gone(id) {
			m.announce(hostmgr.Announcement[string]{ID: id, Interval: second, Zone: zone})
		}
	}
	for h := range m.All() {
		if m.clock.Now().After(cut[h.Zone]) && m.clock.Now().After(cut[h.ID]) {
			m.heartbeat(h.ID)
		}
	}
}

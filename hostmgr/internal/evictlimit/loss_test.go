package evictlimit

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// region is five zones of 2,000 hosts that send a heartbeat every 10 s, each at its own moment, and
// that are swept every second.
type region struct {
	*registry
	cut     int // hosts of each zone that are lost
	zones   int // zones in which
	seconds int
	evicted []departure
}

const zoneSize = 2000

func newRegion(c Config) *region {
	r := &region{registry: newRegistry(c, &detector.Timeouts{Interval: 10 * second, Suspect: 15 * second, Evict: 30 * second})}
	for i := range 5 * zoneSize {
		r.hosts = append(r.hosts, &host{})
		r.join(r.hosts[i], string(rune('a'+i/zoneSize)))
	}
	r.pass(10)
	return r
}

func (r *region) lost(i int) bool { return i < r.zones*zoneSize && i%zoneSize < r.cut }

func (r *region) pass(seconds int) {
	for range seconds {
		r.seconds++
		r.now += int64(second)
		for i := r.seconds % 10; i < len(r.hosts); i += 10 {
			if h := r.hosts[i]; h.there && !r.lost(i) {
				r.heartbeat(h)
			}
		}
		r.evicted = append(r.evicted, r.sweep()...)
	}
}

// The last contact of a host that is lost is up to 9 s old, and its timeout is 30 s: so the
// deadlines lie from 21 to 30 s after the loss, when all are suspect.
func TestALossOfZones(t *testing.T) {
	const hold = 30 * second
	var (
		none     = Config{MaxHold: hold}
		fraction = Config{MaxFraction: 0.5, MaxHold: hold}
		rate     = Config{PerSecond: 80, MaxHold: hold}
		both     = Config{MaxFraction: 0.5, PerSecond: 80, MaxHold: hold}
	)
	for _, row := range []struct {
		config    Config
		share     float64
		zones     int
		atOnce    int // evicted when the last deadline is over
		unforced  int // evicted when the hold of the first has expired
		permanent int // seconds after the loss when all are evicted
	}{
		{none, 0.55, 1, 1100, 1100, 31},
		{none, 1.00, 5, 10000, 10000, 31},

		{fraction, 0.20, 1, 400, 400, 31}, // not too many
		{fraction, 0.55, 1, 0, 0, 61},
		{fraction, 0.90, 1, 0, 0, 61},
		{fraction, 1.00, 1, 0, 0, 61},
		{fraction, 0.20, 5, 2000, 2000, 31},
		{fraction, 0.55, 5, 0, 0, 61},
		{fraction, 0.90, 5, 0, 0, 61},
		{fraction, 1.00, 5, 0, 0, 61},

		{rate, 0.20, 1, 400, 400, 31}, // 40 are due each second
		{rate, 0.55, 1, 800, 1100, 35},
		{rate, 0.90, 1, 800, 1800, 44},
		{rate, 1.00, 1, 800, 2000, 46},
		{rate, 0.20, 5, 800, 2000, 46},
		{rate, 0.55, 5, 800, 2400, 61},
		{rate, 0.90, 5, 800, 2400, 61},
		{rate, 1.00, 5, 800, 2400, 61},

		{both, 0.20, 1, 400, 400, 31},
		{both, 0.55, 1, 800, 1100, 35},
		{both, 0.90, 1, 800, 1800, 44},
		{both, 1.00, 1, 800, 2000, 46},
		{both, 0.20, 5, 2000, 2000, 31},
		{both, 0.55, 5, 800, 2400, 61},
		{both, 0.90, 5, 800, 2400, 61},
		{both, 1.00, 5, 800, 2400, 61},
	} {
		t.Run(fmt.Sprintf("%+v, %v of %d", row.config, row.share, row.zones), func(t *testing.T) {
			r := newRegion(row.config)
			r.cut, r.zones = int(row.share*zoneSize), row.zones
			lost := r.cut * r.zones
			var gone []int
			for s := 0; s <= 31 || gone[s-1] < lost && s < 99; s++ {
				gone = append(gone, len(r.evicted))
				r.pass(1)
			}
			require.Equal(t, row.atOnce, gone[31])
			require.Equal(t, row.unforced, gone[min(51, len(gone)-1)])
			require.Equal(t, row.permanent, len(gone)-1)
			require.Len(t, r.evicted, lost)
			for _, d := range r.evicted {
				require.LessOrEqual(t, d.heldFor, int64(hold+second))
			}
			require.Zero(t, r.limit.All().Held)
			require.Zero(t, r.limit.All().Suspects)
		})
	}
}

// A zone is cut off for longer than its timeout, and comes back: none of its hosts is evicted.
func TestACutThatHeals(t *testing.T) {
	r := newRegion(Config{MaxFraction: 0.5, MaxHold: 30 * second})
	r.cut, r.zones = zoneSize, 1
	r.pass(40)
	require.Equal(t, zoneSize, r.limit.All().Held)
	want := Reason{Kind: KindZone, Missing: zoneSize, Total: zoneSize, Zone: "a"}
	require.Equal(t, want, figures(r.limit, "a").Reason)
	r.cut = 0
	r.pass(30)
	require.Empty(t, r.evicted)
	require.Zero(t, r.limit.All().Held)
	require.Equal(t, 5*zoneSize, r.limit.Hosts())
}

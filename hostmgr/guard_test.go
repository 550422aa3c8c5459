package hostmgr_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A region is five zones of 2,000 hosts that beat every 10 s, each at its own moment, and
// that are swept every second.
type region struct {
	*script
	diary diary
	cut   map[int]bool // hosts that are not heard any more
	time  int          // in seconds
}

const (
	zoneSize  = 2000
	regionLen = 5 * zoneSize
)

func newRegion(t *testing.T, g hostmgr.Guard) *region {
	r := &region{cut: map[int]bool{}}
	r.script = newScript(t, hostmgr.Config[string]{
		Policy:  hostmgr.Tiered{Jitter: 5 * second, Offline: 20 * second},
		Guard:   g,
		Cleanup: r.diary.cleanup,
	})
	for i := range regionLen {
		r.announce(hostmgr.Announcement[string]{
			ID: strconv.Itoa(i), Interval: 10 * second, Zone: string(rune('a' + i/zoneSize)),
		})
	}
	r.pass(10)
	return r
}

// pass lets so many seconds pass, and everybody beat who is not cut off.
func (r *region) pass(seconds int) {
	for range seconds {
		r.time++
		r.clock.Advance(second)
		for i := r.time % 10; i < regionLen; i += 10 {
			if !r.cut[i] {
				r.beat(strconv.Itoa(i))
			}
		}
		r.Sweep(context.Background())
	}
}

// lose cuts off a share of each of the first zones, and returns how many hosts that is.
func (r *region) lose(share float64, zones int) int {
	for i := range zones * zoneSize {
		if float64(i%zoneSize) < share*zoneSize {
			r.cut[i] = true
		}
	}
	return len(r.cut)
}

// The last sign of life of a host that is cut off is up to 9 s old, and its patience is
// 30 s: so the deadlines of a loss lie from 21 to 30 s after it, when all are suspect.
func TestGuardOnALossOfZones(t *testing.T) {
	const hold = 30 * second
	var (
		none     = hostmgr.Guard{}
		fraction = hostmgr.Guard{MaxFraction: 0.5, Hold: hold}
		rate     = hostmgr.Guard{PerSecond: 80, Hold: hold}
		both     = hostmgr.Guard{MaxFraction: 0.5, PerSecond: 80, Hold: hold}
	)
	for _, row := range []struct {
		guard     hostmgr.Guard
		share     float64
		zones     int
		atOnce    int // gone when the last deadline is over
		unforced  int // gone when Hold is over for the first
		permanent int // seconds after the loss when all are gone
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
		t.Run(fmt.Sprintf("%+v, %v of %d", row.guard, row.share, row.zones), func(t *testing.T) {
			r := newRegion(t, row.guard)
			lost := r.lose(row.share, row.zones)
			var gone []int
			for s := 0; s <= 31 || gone[s-1] < lost && s < 99; s++ {
				gone = append(gone, regionLen-r.Len())
				r.pass(1)
			}
			require.Equal(t, row.atOnce, gone[31])
			require.Equal(t, row.unforced, gone[min(51, len(gone)-1)])
			require.Equal(t, row.permanent, len(gone)-1)
			r.check(t, row.guard)
		})
	}
}

// check looks at the evidence of all who went.
func (r *region) check(t *testing.T, g hostmgr.Guard) {
	require.Len(t, r.diary.departures, len(r.cut))
	for _, d := range r.diary.departures {
		i, _ := strconv.Atoi(d.Host.ID)
		late := d.At.Sub(d.Host.EvictAt) > second
		held := d.HeldFor > 0
		if !r.cut[i] || held != late || held != (d.HeldBy != "") || d.HeldFor > g.Hold+second {
			require.Fail(t, "evicted though it beats, held too long, or without a reason", "%+v", d)
		}
	}
	require.Zero(t, r.Stats().Held)
	require.Zero(t, r.Stats().Suspects)
}

// A zone is cut off for longer than its patience, and comes back.
func TestGuardOnACutThatHeals(t *testing.T) {
	r := newRegion(t, hostmgr.Guard{MaxFraction: 0.5, Hold: 30 * second})
	require.Equal(t, zoneSize, r.lose(1, 1))
	r.pass(40)
	require.Equal(t, zoneSize, r.Stats().Held)
	require.Equal(t, `guard: 2000 of 2000 hosts of zone "a" are missing`, r.get("0").Held)
	clear(r.cut)
	r.pass(30)
	require.Equal(t, regionLen, r.Len())
	require.Zero(t, r.Stats().Held)
	require.Empty(t, r.diary.departures)
}

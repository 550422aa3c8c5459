package hostmgr_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A region is five zones of 2,000 hosts. Each host sends a heartbeat every 10 s, at its own moment;
// a sweep runs every second.
type region struct {
	*script
	cleanups cleanupLog
	cut      map[int]bool // hosts whose heartbeats do not arrive
	time     int          // in seconds
}

const (
	zoneSize  = 2000
	regionLen = 5 * zoneSize
)

func newRegion(t *testing.T, g hostmgr.EvictionLimit) *region {
	r := &region{cut: map[int]bool{}}
	r.script = newScript(t, hostmgr.Config[string]{
		Policy:        hostmgr.Tiered{Jitter: 5 * second, Offline: 20 * second},
		EvictionLimit: g,
		Cleanup:       r.cleanups.cleanup,
	})
	for i := range regionLen {
		r.announce(hostmgr.Announcement[string]{
			ID: strconv.Itoa(i), Interval: 10 * second, Zone: string(rune('a' + i/zoneSize)),
		})
	}
	r.pass(10)
	return r
}

// pass lets seconds pass, with heartbeats of all hosts that are not cut off.
func (r *region) pass(seconds int) {
	for range seconds {
		r.time++
		r.clock.Advance(second)
		for i := r.time % 10; i < regionLen; i += 10 {
			if !r.cut[i] {
				r.heartbeat(strconv.Itoa(i))
			}
		}
		r.Sweep(context.Background())
	}
}

// lose cuts off a share of each of the first zones, and returns the number of hosts.
func (r *region) lose(share float64, zones int) int {
	for i := range zones * zoneSize {
		if float64(i%zoneSize) < share*zoneSize {
			r.cut[i] = true
		}
	}
	return len(r.cut)
}

// The last contact of a host is up to 9 s old when it is cut off, and its timeout is 30 s. So the
// deadlines lie from 21 to 30 s after the loss, when all lost hosts are suspect. The evictlimit
// package has the whole table; these rows show that the registry tells it what happens.
func TestEvictionLimitOnALossOfZones(t *testing.T) {
	const hold = 30 * second
	var (
		none     = hostmgr.EvictionLimit{}
		fraction = hostmgr.EvictionLimit{MaxFraction: 0.5, MaxHold: hold}
		rate     = hostmgr.EvictionLimit{PerSecond: 80, MaxHold: hold}
		both     = hostmgr.EvictionLimit{MaxFraction: 0.5, PerSecond: 80, MaxHold: hold}
	)
	for _, row := range []struct {
		limit     hostmgr.EvictionLimit
		share     float64
		zones     int
		atOnce    int // evicted by the last deadline
		unforced  int // evicted when MaxHold ends for the first
		permanent int // seconds after the loss when all are evicted
	}{
		{none, 1.00, 5, 10000, 10000, 31},
		{fraction, 0.20, 5, 2000, 2000, 31}, // not too many
		{fraction, 0.55, 1, 0, 0, 61},
		{rate, 1.00, 1, 800, 2000, 46},
		{both, 0.20, 5, 2000, 2000, 31},
		{both, 1.00, 5, 800, 2400, 61},
	} {
		t.Run(fmt.Sprintf("%+v, %v of %d", row.limit, row.share, row.zones), func(t *testing.T) {
			r := newRegion(t, row.limit)
			lost := r.lose(row.share, row.zones)
			var gone []int
			for s := 0; s <= 31 || gone[s-1] < lost && s < 99; s++ {
				gone = append(gone, regionLen-r.Len())
				r.pass(1)
			}
			require.Equal(t, row.atOnce, gone[31])
			require.Equal(t, row.unforced, gone[min(51, len(gone)-1)])
			require.Equal(t, row.permanent, len(gone)-1)
			r.check(t, row.limit)
		})
	}
}

// check checks the evidence of all evictions.
func (r *region) check(t *testing.T, g hostmgr.EvictionLimit) {
	require.Len(t, r.cleanups.departures, len(r.cut))
	for _, d := range r.cleanups.departures {
		i, _ := strconv.Atoi(d.Host.ID)
		late := d.At.Sub(d.Host.EvictAt) > second
		held := d.HeldFor > 0
		if !r.cut[i] || held != late || held != (d.Hold.String() != "") || d.HeldFor > g.MaxHold+second {
			require.Fail(t, "a host with heartbeats was evicted, or one was held too long or without a reason", "%+v", d)
		}
	}
	require.Zero(t, r.Stats().Held)
	require.Zero(t, r.Stats().Suspects)
}

// A zone is cut off for longer than its timeout, and comes back.
func TestEvictionLimitOnAPartitionThatHeals(t *testing.T) {
	r := newRegion(t, hostmgr.EvictionLimit{MaxFraction: 0.5, MaxHold: 30 * second})
	require.Equal(t, zoneSize, r.lose(1, 1))
	r.pass(40)
	require.Equal(t, zoneSize, r.Stats().Held)
	require.Equal(t, `eviction limit: 2000 of 2000 hosts of zone "a" are missing`, r.get("0").Hold.String())
	clear(r.cut)
	r.pass(30)
	require.Equal(t, regionLen, r.Len())
	require.Zero(t, r.Stats().Held)
	require.Empty(t, r.cleanups.departures)
}

package hostmgr_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Hosts announce themselves every 5 minutes and do not retry. Each loses one announce. What that
// does depends on the policy: see Fixed, Tiered and PhiAccrual.
func TestOneLostContactWithoutRetry(t *testing.T) {
	const hosts, interval, delay = 1000, 300 * second, 50 * time.Millisecond
	lost := func(p hostmgr.Policy) int {
		rnd := rand.New(rand.NewPCG(1, 2))
		type contact struct {
			at time.Duration
			id string
		}
		var contacts []contact
		for i := range hosts {
			phase := time.Duration(rnd.Int64N(int64(interval)))
			for _, k := range []time.Duration{0, 1, 3, 4} { // number 2 is lost
				contacts = append(contacts, contact{phase + k*interval + time.Duration(rnd.Int64N(int64(delay))), strconv.Itoa(i)})
			}
		}
		slices.SortFunc(contacts, func(a, b contact) int { return int(a.at - b.at) })
		s := newScript(t, hostmgr.Config[string]{Policy: p})
		start := s.clock.Now()
		for _, c := range contacts {
			s.sweepUntil(start.Add(c.at))
			s.announce(hostmgr.Announcement[string]{ID: c.id, Interval: interval})
		}
		return int(s.Stats().Departures.Evicted)
	}
	require.InDelta(t, hosts/2, lost(hostmgr.Fixed(2)), hosts/10)
	require.InDelta(t, hosts/2, lost(hostmgr.Tiered{}), hosts/10)
	require.Zero(t, lost(hostmgr.Fixed(3)))
	require.Zero(t, lost(hostmgr.Tiered{Offline: 2 * interval}))
	require.InDelta(t, hosts/2, lost(hostmgr.PhiAccrual{}), hosts/10)
	require.Zero(t, lost(hostmgr.PhiAccrual{MaxOverdue: 2 * interval}))
}

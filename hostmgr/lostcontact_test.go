package hostmgr_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Hosts announce themselves every 5 minutes and do not retry, as Dragonfly's clients do by default.
// Each loses one announce. The documents name the counts.
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
	require.Equal(t, 497, lost(hostmgr.Fixed(2)))
	require.Equal(t, 497, lost(hostmgr.Tiered{}), "with this interval it has the timeouts of Fixed(2)")
	require.Zero(t, lost(hostmgr.Fixed(3)))
	require.Zero(t, lost(hostmgr.Tiered{Offline: 2 * interval}))
	require.Equal(t, 497, lost(hostmgr.PhiAccrual{}))
	require.Zero(t, lost(hostmgr.PhiAccrual{MaxOverdue: 2 * interval}))
	for _, doc := range []string{"../README.md", "../SCALING.md", "policy.go"} {
		text, err := os.ReadFile(doc)
		require.NoError(t, err)
		require.Contains(t, string(text), " 497", doc)
	}
}

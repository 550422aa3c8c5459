package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// TestFlapping: for a day a thousand hosts of ten thousand are late again and again, by one
// to 29 seconds. Tiered takes that for jitter: nobody is evicted, or as much as suspect.
func TestFlapping(t *testing.T) {
	const interval, hosts, flapping = 10 * second, 10_000, 1000
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Tiered{}, MaxGap: second})
	rnd := rand.New(rand.NewPCG(1, 9))
	var ids [hosts]string
	next := make([]int, hosts) // the second at which it beats
	for i := range ids {
		ids[i] = strconv.Itoa(i)
		s.announce(hostmgr.Announcement[string]{ID: ids[i], Interval: interval})
		next[i] = 1 + i%10
	}
	late := 0
	for now := range times(20*60, 24*60*60) {
		for i := range ids {
			if next[i] > now {
				continue
			}
			if _, err := s.Heartbeat(ids[i], 0); err != nil {
				t.Fatal(err)
			}
			next[i] = now + 10
			if i < flapping && rnd.IntN(3) == 0 {
				next[i] += 1 + rnd.IntN(29)
				late++
			}
		}
		for range 2 {
			if rep := s.Sweep(context.Background()); rep.Evicted+rep.Suspected > 0 {
				t.Fatalf("%+v", rep)
			}
			s.clock.Advance(second / 2)
		}
	}
	t.Log(late, "times late")
	require.Equal(t, hosts, s.Len())
	require.Zero(t, s.Stats().Stalls)
}

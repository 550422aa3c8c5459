package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// For a day one host in ten is late again and again, by one to 29 seconds. For Tiered that is
// jitter: no host is evicted or suspect.
func TestFlapping(t *testing.T) {
	const interval = 10 * second
	hosts, hours := times(2000, 10_000), times(1, 24)
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Tiered{}, StallThreshold: second})
	rnd := rand.New(rand.NewPCG(1, 9))
	ids := make([]string, hosts)
	var turns [10 + 30][]int // the heartbeats of each second, as a ring
	for i := range ids {
		ids[i] = strconv.Itoa(i)
		s.announce(hostmgr.Announcement[string]{ID: ids[i], Interval: interval})
		turns[1+i%10] = append(turns[1+i%10], i)
	}
	late := 0
	for now := range hours * 60 * 60 {
		turn := turns[now%len(turns)]
		turns[now%len(turns)] = nil
		for _, i := range turn {
			if _, err := s.Heartbeat(ids[i], 0); err != nil {
				t.Fatal(err)
			}
			next := now + 10
			if i < hosts/10 && rnd.IntN(3) == 0 {
				next += 1 + rnd.IntN(29)
				late++
			}
			turns[next%len(turns)] = append(turns[next%len(turns)], i)
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

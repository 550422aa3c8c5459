package sim_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/replay/sim"
)

// What an agenda gives is in the order of time, and of numbers at the same time.
func TestAgenda(t *testing.T) {
	type entry struct {
		due  int64
		host int32
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		hosts := 1 + rng.IntN(40)
		a, want := sim.NewAgenda(hosts, 1+rng.Int64N(1000)), []entry{}
		add := func(host int32, due int64) { a.Add(host, due); want = append(want, entry{due, host}) }
		for i := range hosts {
			add(int32(i), rng.Int64N(50))
		}
		for range 2000 {
			slices.SortFunc(want, func(a, b entry) int {
				if a.due != b.due {
					return int(a.due - b.due)
				}
				return int(a.host - b.host)
			})
			host, due, ok := a.Take()
			require.Equal(t, len(want) > 0, ok)
			if !ok {
				break
			}
			require.Equal(t, want[0], entry{due, host})
			want = want[1:]
			if rng.IntN(200) > 0 {
				add(host, due+rng.Int64N([]int64{2, 100, 1000, 100_000}[rng.IntN(4)]))
			}
		}
	}
}

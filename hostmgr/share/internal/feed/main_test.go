package feed_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/hostlife/hostlife/internal/effort"
)

var oneSeed = flag.Uint64("seed", 0, "run randomised tests with this seed only")

// seeds runs a test with many seeds, or with that of -seed. It names the one that fails.
func seeds(t *testing.T, few, many uint64, run func(t *testing.T, rnd *rand.Rand)) {
	t.Helper()
	first, n := uint64(1), effort.Times(few, many)
	if *oneSeed != 0 {
		first, n = *oneSeed, 1
	}
	for seed := first; seed < first+n && !t.Failed(); seed++ {
		func() {
			defer func() {
				if t.Failed() {
					t.Logf("-seed=%d", seed)
				}
			}()
			run(t, rand.New(rand.NewPCG(seed, 21)))
		}()
	}
}

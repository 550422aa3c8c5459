package model

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hostlife/hostlife/internal/effort"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "play this seed only; with -v, trace it")
	firstFlag = flag.Uint64("first", 1, "the first seed")
	seedsFlag = flag.Uint64("seeds", 0, "how many seeds; 0: the default")
)

// mixes are the faults of an environment that are played.
var mixes = []struct {
	name   string
	faults faults
}{
	{"none", faults{}},
	{"crash", faults{crash: true}},
	{"freeze", faults{freeze: true}},
	{"cut", faults{cut: true}},
	{"down", faults{down: true}},
	{"lose", faults{lose: true}},
	{"wipe", faults{wipe: true}},
	{"split", faults{split: true}},
	{"crash+freeze+cut+down", faults{crash: true, freeze: true, cut: true, down: true}},
	{"lose+wipe+crash+cut", faults{lose: true, wipe: true, crash: true, cut: true}},
	{"split+crash", faults{split: true, crash: true}},
	{"everything", faults{crash: true, freeze: true, cut: true, down: true, lose: true, wipe: true, split: true}},
}

// The promises hold in each mix of faults. A run with -v prints a row of the table in
// RELIABILITY.md.
func TestMixes(t *testing.T) {
	for _, mix := range mixes {
		t.Run(mix.name, func(t *testing.T) {
			if *seedFlag != 0 {
				for _, wrong := range play(*seedFlag, mix.faults, defects{}, testing.Verbose()).wrong {
					t.Error(wrong)
				}
				return
			}
			var sum account
			seeds, bad := times(10, 10_000), 0
			playAll(*firstFlag, seeds, mix.faults, defects{}, func(seed uint64, o *oracle) {
				sum.add(&o.account)
				if len(o.wrong) == 0 {
					return
				}
				if bad++; bad <= 5 {
					t.Errorf("seed %d: %s", seed, strings.Join(o.wrong[:min(4, len(o.wrong))], "\n  "))
				}
			})
			t.Log(sum.row(mix.name, seeds, bad))
		})
	}
}

// times returns the number of seeds.
func times(few, many uint64) uint64 {
	if *seedsFlag != 0 {
		return *seedsFlag
	}
	return effort.Times(few, many)
}

// playAll plays seeds on all processors, and passes what the oracle found to see, one seed after
// another.
func playAll(first, seeds uint64, f faults, d defects, see func(seed uint64, o *oracle)) {
	defer debug.SetGCPercent(debug.SetGCPercent(3000)) // a seed needs little memory
	var next atomic.Uint64
	var mu sync.Mutex // guards the calls of see
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < seeds; i = next.Add(1) - 1 {
				o := play(first+i, f, d, false)
				mu.Lock()
				see(first+i, o)
				mu.Unlock()
			}
		})
	}
	all.Wait()
}

// row is a row of a table in Markdown.
func (a *account) row(mix string, seeds uint64, bad int) string {
	slices.Sort(a.overdue)
	at := func(p float64) time.Duration {
		if len(a.overdue) == 0 {
			return 0
		}
		return a.overdue[min(len(a.overdue)-1, int(p*float64(len(a.overdue))))].Round(100 * time.Millisecond)
	}
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %.2f | %v, %v, %v |",
		mix, seeds, a.heartbeats, a.evictions, a.leavings, bad, a.twice, a.lost, a.unclean, a.again,
		a.away, a.stray, a.vanished, a.renamed, a.resyncs,
		float64(a.hostWrites)/float64(max(1, a.heartbeats)), at(.5), at(.99), at(1))
}

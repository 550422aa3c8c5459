package measure

import (
	"runtime/debug"
	"time"
)

// limits measures what no registry on this machine can heartbeat.
func (b *bench) limits() {
	b.step("", "the machine's limits")
	const readings = 1_000_000
	start := time.Now()
	var sink time.Duration
	for range readings {
		sink += time.Since(start)
	}
	b.found.add("limits", "clock", perOp(time.Since(start), readings))
	start = time.Now()
	for range readings {
		sink += time.Duration(time.Now().Nanosecond())
	}
	b.found.add("limits", "now", perOp(time.Since(start), readings))
	b.found.add("limits", "dram", dram())
	b.found.add("limits", "scan", scan(b.opt.N))
	use(sink)
	one, par := b.swaps()
	b.found.add("limits", "swap", 1/one)
	b.found.add("limits", "swap_par", 1/par)
	debug.FreeOSMemory()
}

// dram follows a way through 512 MiB on which each place depends on what was read at
// the one before.
func dram() float64 {
	const size, steps = 512 << 20 / 8, 1 << 21
	words := make([]uint64, size)
	for i := range words { // or all pages would be the one page of zeroes
		words[i] = uint64(i)
	}
	at := uint64(0)
	start := time.Now()
	for i := range uint64(steps) {
		at = (words[at] + i) * 0x9e3779b97f4a7c15 >> 38
	}
	took := time.Since(start)
	use(at)
	return perOp(took, steps)
}

// scan compares n words with a deadline.
func scan(n int) float64 {
	words := make([]int64, n)
	for i := range words {
		words[i] = int64(i)
	}
	var times []float64
	for round := range int64(9) {
		start, due := time.Now(), 0
		for _, w := range words {
			if w < round {
				due++
			}
		}
		times = append(times, float64(time.Since(start)))
		use(due)
	}
	return median(times)
}

func perOp(took time.Duration, ops int) float64 { return float64(took) / float64(ops) }

// use keeps the compiler from leaving out what leads to v.
//
//go:noinline
func use[T any](v T) { _ = v }

package measure

import (
	"math/bits"
	"slices"

	"github.com/hostlife/hostlife/benchmarks/internal/report"
)

// figures collects what the rounds found.
type figures struct {
	found map[report.Row][]float64 // by a Row without Value
	order []report.Row             // in which they were first found
}

func (f *figures) add(measure, peer string, v float64) {
	m, _ := Find(measure)
	k := report.Row{Measure: measure, Peer: peer, Unit: m.unit}
	if f.found[k] == nil {
		f.order = append(f.order, k)
	}
	f.found[k] = append(f.found[k], v)
}

// rows are the medians, in the order of the measures.
func (f *figures) rows() []report.Row {
	var rows []report.Row
	for _, m := range All {
		for _, k := range f.order {
			if k.Measure == m.Measure {
				k.Value = median(f.found[k])
				rows = append(rows, k)
			}
		}
	}
	return rows
}

func median(vs []float64) float64 {
	vs = slices.Sorted(slices.Values(vs))
	mid := len(vs) / 2
	if len(vs)%2 == 0 {
		return (vs[mid-1] + vs[mid]) / 2
	}
	return vs[mid]
}

// A histogram counts durations in nanoseconds in classes that are 1/32 wide, so that
// however many heartbeats there are, noting one costs the same and allocates nothing.
type histogram struct {
	counts [64 * 32]uint32
	n      int
	max    uint64
}

func (h *histogram) add(v uint64) {
	h.counts[class(v)]++
	h.n++
	h.max = max(h.max, v)
}

func class(v uint64) int {
	if v < 32 {
		return int(v)
	}
	shift := bits.Len64(v) - 6
	return shift*32 + int(v>>shift)
}

// bound is the least value that is beyond the class.
func bound(c int) uint64 {
	if c < 32 {
		return uint64(c) + 1
	}
	shift := c/32 - 1
	return uint64(c-shift*32+1) << shift
}

// quantile is what the share q is at most; no more than a class too much.
func (h *histogram) quantile(q float64) uint64 {
	left := int(q * float64(h.n))
	for c, k := range h.counts {
		if left -= int(k); left < 0 {
			return min(bound(c), h.max)
		}
	}
	return h.max
}

func (h *histogram) merge(o *histogram) {
	for c, k := range o.counts {
		h.counts[c] += k
	}
	h.n += o.n
	h.max = max(h.max, o.max)
}

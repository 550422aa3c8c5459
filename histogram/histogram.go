// Package histogram keeps distributions of durations and ratios in bounded memory.
//
// It is a thin layer over HdrHistogram (Tene, http://hdrhistogram.org): what it adds is that the
// zero value works and costs nothing, that sums, minima and maxima are exact, and that a
// [Snapshot] is plain data.
package histogram

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Number is what a histogram can be of: durations, or ratios without a unit.
type Number interface{ time.Duration | float64 }

const (
	digits = 2 // significant ones: an upper bound is at most 1 % too high
	most   = int64(24 * time.Hour)
	parts  = 1e6 // of 1, in which ratios are counted
)

// A Histogram collects values in about 40 KB, however many there are; before the first one it
// takes no room. The zero Histogram is ready to use. It does no locking, and must not be
// copied.
type Histogram[T Number] struct {
	counts   *hdrhistogram.Histogram
	min, max T
	sum      float64 // in T's own unit
}

// Record adds a value. A negative one, as from a clock that stepped back, counts as 0; one that is
// longer than a day, or greater than 86 million, is counted as if it were that, but in Sum, Mean
// and Max.
func (h *Histogram[T]) Record(v T) {
	if positive := v > 0; !positive { // NaN is not either
		v = 0
	}
	if h.counts == nil {
		h.counts = hdrhistogram.New(1, most, digits)
		h.min = v
	}
	h.min, h.max, h.sum = min(h.min, v), max(h.max, v), h.sum+float64(v)
	_ = h.counts.RecordValue(steps(v)) // fails only above most
}

// steps is what the counts count v as.
func steps[T Number](v T) int64 {
	if isRatio[T]() {
		return int64(min(float64(v)*parts, float64(most)))
	}
	return min(int64(v), most)
}

// Clone returns a histogram of the same values, which goes its own way from here on.
func (h *Histogram[T]) Clone() *Histogram[T] {
	c := *h
	if h.counts != nil {
		c.counts = h.counts.Clone()
	}
	return &c
}

// Snapshot summarises the values so far.
func (h *Histogram[T]) Snapshot() Snapshot[T] {
	if h.counts == nil {
		return Snapshot[T]{}
	}
	n := h.counts.TotalCount()
	p := h.counts.ValueAtPercentilesSlice([]float64{50, 90, 99, 99.9})
	return Snapshot[T]{
		Count: uint64(n),
		Sum:   h.sum / unit[T](),
		Min:   h.min,
		Mean:  T(h.sum / float64(n)),
		P50:   h.bound(p[0]), P90: h.bound(p[1]), P99: h.bound(p[2]), P999: h.bound(p[3]),
		Max: h.max,
		of:  h.Clone(),
	}
}

// bound is the upper end of a bucket, which may lie above the maximum.
func (h *Histogram[T]) bound(v int64) T { return min(T(float64(v)/scale[T]()), h.max) }

// scale is how many steps of the counts a T of 1 is.
func scale[T Number]() float64 {
	if isRatio[T]() {
		return parts
	}
	return 1
}

// unit is what Sum counts by: a second, or 1.
func unit[T Number]() float64 {
	if isRatio[T]() {
		return 1
	}
	return float64(time.Second)
}

// isRatio is known when this is compiled: of whole numbers a half is 0.
func isRatio[T Number]() bool { return T(1)/T(2) > 0 }

// A Snapshot summarises values as they were at one moment. Min, Mean and Max are exact; the
// percentiles are upper bounds that are at most 1 % too high (or 0.000001, of ratios). All are 0
// when Count is.
type Snapshot[T Number] struct {
	Count                               uint64
	Sum                                 float64 // in seconds, or without a unit
	Min, Mean, P50, P90, P99, P999, Max T
	of                                  *Histogram[T] // whose bars are made when somebody asks
}

// A Bar is how many values lie between the bar before it and AtMost.
type Bar[T Number] struct {
	AtMost T
	Count  uint64
}

// Bars are those that have values, from small to large: what a histogram of another kind can be
// made of. They cost more than all of the rest, and are made anew at each call.
func (s Snapshot[T]) Bars() (bars []Bar[T]) {
	if s.of == nil {
		return nil
	}
	for _, b := range s.of.counts.Distribution() {
		if b.Count > 0 {
			bars = append(bars, Bar[T]{AtMost: T(float64(b.To) / scale[T]()), Count: uint64(b.Count)})
		}
	}
	return bars
}

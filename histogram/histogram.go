// Package histogram keeps distributions of durations and ratios in bounded memory.
//
// It is a thin layer over HdrHistogram (Tene, http://hdrhistogram.org): what it adds is that the
// zero value works and costs nothing, that minima, maxima and the means of durations are exact,
// and that a [Snapshot] is plain data.
package histogram

import (
	"math"
	"math/bits"
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
	sum      float64 // of ratios
	high     uint64  // with low, the sum of durations: of 128 bits, so it is exact, however many there are
	low      uint64
}

// Record adds a value. A negative one, as from a clock that stepped back, counts as 0, and so does NaN; an infinite
// ratio counts as the greatest float64. One that is longer than a day, or greater than 86 million,
// is in the last bar, whatever its size.
func (h *Histogram[T]) Record(v T) {
	if positive := v > 0; !positive { // NaN is not either
		v = 0
	}
	if isRatio[T]() {
		v = T(min(float64(v), math.MaxFloat64))
		h.sum += float64(v)
	} else {
		var carry uint64
		h.low, carry = bits.Add64(h.low, uint64(v), 0)
		h.high += carry
	}
	if h.counts == nil {
		h.counts = hdrhistogram.New(1, most, digits)
		h.min = v
	}
	h.min, h.max = min(h.min, v), max(h.max, v)
	_ = h.counts.RecordValue(steps(v)) // fails only above most
}

// steps is what the counts count v as: so many steps are no less than v.
func steps[T Number](v T) int64 {
	if isRatio[T]() {
		product := float64(v) * parts
		if product >= float64(most) {
			return most
		}
		n := int64(product)
		if float64(n) < product || float64(n)/parts < float64(v) { // it may have been rounded down
			n++
		}
		return n
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
	p := h.counts.ValueAtPercentilesSlice([]float64{percent(500, n), percent(900, n), percent(990, n), percent(999, n)})
	return Snapshot[T]{
		Count: uint64(n),
		Sum:   h.total(),
		Min:   h.min,
		Mean:  h.mean(uint64(n)),
		P50:   h.bound(p[0]), P90: h.bound(p[1]), P99: h.bound(p[2]), P999: h.bound(p[3]),
		Max: h.max,
		of:  h.Clone(),
	}
}

// percent is the share of n values that a percentile, in thousandths, is no less than: for ValueAtPercentilesSlice,
// which takes the value that is nearest and so may be too low, this is a whole number of values.
func percent(permille, n int64) float64 {
	above := 1000 - permille
	rank := n - (n/1000*above + n%1000*above/1000)
	return 100 * float64(rank) / float64(n)
}

// total is the sum in seconds, or without a unit.
func (h *Histogram[T]) total() float64 {
	if isRatio[T]() {
		return min(h.sum, math.MaxFloat64)
	}
	const second = uint64(time.Second)
	high, rest := h.high/second, h.high%second
	low, rest := bits.Div64(rest, h.low, second)
	return float64(high)*(1<<64) + float64(low) + float64(rest)/float64(second)
}

// mean is that of n values.
func (h *Histogram[T]) mean(n uint64) T {
	if isRatio[T]() { // whose sum was rounded, or is infinite
		return max(h.min, min(T(h.sum/float64(n)), h.max))
	}
	d, _ := bits.Div64(h.high, h.low, n) // it fits: no duration is above the mean's type
	return T(d)
}

// bound is the upper end of a bucket, which may lie above the maximum. The last bucket has all that is too
// great to be counted as what it is, so its upper end is the maximum.
func (h *Histogram[T]) bound(v int64) T {
	if v >= most {
		return h.max
	}
	return min(T(float64(v)/scale[T]()), h.max)
}

// scale is how many steps of the counts a T of 1 is.
func scale[T Number]() float64 {
	if isRatio[T]() {
		return parts
	}
	return 1
}

// isRatio is known when this is compiled: of whole numbers a half is 0.
func isRatio[T Number]() bool { return T(1)/T(2) > 0 }

// A Snapshot summarises values as they were at one moment. Min, Max and the Mean of durations, which
// is rounded down to the nanosecond, are exact. Sum is rounded as a float64 is, and so is the Mean of
// ratios, by as much as adding them one after the other makes it; it lies between Min and Max.
//
// The percentiles are upper bounds. They are at most 1 % too high (of ratios, 1 % and 0.000001); one
// that lies beyond a day, or 86 million, is Max. All are 0 when Count is.
type Snapshot[T Number] struct {
	Count                               uint64
	Sum                                 float64 // in seconds, or without a unit
	Min, Mean, P50, P90, P99, P999, Max T
	of                                  *Histogram[T] // whose bars are made when somebody asks
}

// A Bar is how many values lie between the bar before it and AtMost.
type Bucket[T Number] struct {
	UpperBound T
	Count      uint64
}

// Bars are those that have values, from small to large: what a histogram of another kind can be
// made of. They cost more than all of the rest, and are made anew at each call.
func (s Snapshot[T]) Buckets() (bars []Bucket[T]) {
	if s.of == nil {
		return nil
	}
	for _, b := range s.of.counts.Distribution() {
		if b.Count > 0 {
			bars = append(bars, Bucket[T]{UpperBound: s.of.upTo(b.To), Count: uint64(b.Count)})
		}
	}
	return bars
}

// upTo is the upper end of the bar of a bucket: not cut off at the maximum, so that it stays where it is.
func (h *Histogram[T]) upTo(v int64) T {
	end := T(float64(v) / scale[T]())
	if v >= most {
		return max(end, h.max)
	}
	return end
}

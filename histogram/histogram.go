// Package histogram keeps distributions of durations and ratios in bounded memory. The statistics of
// packages hostmgr and gc have its Snapshots.
//
// It is a thin layer over HdrHistogram (Tene, http://hdrhistogram.org), and adds three things: the
// zero value works and costs nothing; minima, maxima and the means of durations are exact; a
// [Snapshot] is plain data.
package histogram

import (
	"math"
	"math/bits"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Number is a value that a histogram can count: a duration, or a ratio without a unit.
type Number interface{ time.Duration | float64 }

const (
	digits = 2 // significant digits: an upper bound is at most 1 % too high
	most   = int64(24 * time.Hour)
	parts  = 1e6 // ratios are counted in millionths
)

// A Histogram collects any number of values in about 40 KB; before the first value it takes no
// memory. The zero Histogram is ready to use. It does no locking, and must not be copied.
type Histogram[T Number] struct {
	counts   *hdrhistogram.Histogram
	min, max T
	sum      float64 // of ratios
	high     uint64  // with low, the sum of durations in 128 bits, which is always exact
	low      uint64
}

// Record adds a value. Three kinds of values count as others:
//
//   - a negative value, as from a clock that stepped back, and NaN: as 0
//   - an infinite ratio: as the greatest float64
//   - a duration above a day, or a ratio above 86 million: in the last bucket, whatever its size
func (h *Histogram[T]) Record(v T) {
	if positive := v > 0; !positive { // false for NaN too
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

// steps returns v in the unit of the counts, rounded up.
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

// clone returns an independent histogram of the same values.
func (h *Histogram[T]) clone() *Histogram[T] {
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
		of:  h.clone(),
	}
}

// percent turns a percentile, in thousandths, into the share of a whole number of n values, rounded
// up. ValueAtPercentilesSlice rounds to the nearest value, so without this it may return one that
// is too low.
func percent(permille, n int64) float64 {
	above := 1000 - permille
	rank := n - (n/1000*above + n%1000*above/1000)
	return 100 * float64(rank) / float64(n)
}

// total returns the sum in seconds, or without a unit.
func (h *Histogram[T]) total() float64 {
	if isRatio[T]() {
		return min(h.sum, math.MaxFloat64)
	}
	const second = uint64(time.Second)
	high, rest := h.high/second, h.high%second
	low, rest := bits.Div64(rest, h.low, second)
	return float64(high)*(1<<64) + float64(low) + float64(rest)/float64(second)
}

// mean returns the mean of n values.
func (h *Histogram[T]) mean(n uint64) T {
	if isRatio[T]() { // the sum was rounded, or is infinite
		return max(h.min, min(T(h.sum/float64(n)), h.max))
	}
	d, _ := bits.Div64(h.high, h.low, n) // it fits: no duration is above the mean's type
	return T(d)
}

// bound returns the upper end of a bucket, or the maximum if that is lower. The last bucket has all
// values beyond the range of the counts, so its upper end is the maximum.
func (h *Histogram[T]) bound(v int64) T {
	if v >= most {
		return h.max
	}
	return min(T(float64(v)/scale[T]()), h.max)
}

// scale returns how many steps of the counts a T of 1 has.
func scale[T Number]() float64 {
	if isRatio[T]() {
		return parts
	}
	return 1
}

// isRatio is a constant for the compiler: a half is 0 for whole numbers.
func isRatio[T Number]() bool { return T(1)/T(2) > 0 }

// A Snapshot summarises the values at one moment. All fields are 0 if Count is.
//
//   - Min, Max: exact.
//   - Mean: of durations exact, rounded down to the nanosecond. Of ratios rounded like a sum of
//     float64 values, but between Min and Max.
//   - Sum: rounded to a float64.
//   - Percentiles: upper bounds, at most 1 % too high (of ratios, 1 % and 0.000001). A percentile
//     above a day, or 86 million, is Max.
type Snapshot[T Number] struct {
	Count                               uint64
	Sum                                 float64 // in seconds, or without a unit
	Min, Mean, P50, P90, P99, P999, Max T
	of                                  *Histogram[T] // for Buckets
}

// A Bucket counts the values above the bucket before it, up to and including UpperBound.
type Bucket[T Number] struct {
	UpperBound T
	Count      uint64
}

// Buckets returns the buckets that have values, from small to large, for conversion to another kind
// of histogram. Each call computes them, which takes longer than the rest of the snapshot.
func (s Snapshot[T]) Buckets() (buckets []Bucket[T]) {
	if s.of == nil {
		return nil
	}
	for _, b := range s.of.counts.Distribution() {
		if b.Count > 0 {
			buckets = append(buckets, Bucket[T]{UpperBound: s.of.upTo(b.To), Count: uint64(b.Count)})
		}
	}
	return buckets
}

// upTo returns the upper end of a bucket. It is not cut off at the maximum, so that it never
// changes.
func (h *Histogram[T]) upTo(v int64) T {
	end := T(float64(v) / scale[T]())
	if v >= most {
		return max(end, h.max)
	}
	return end
}

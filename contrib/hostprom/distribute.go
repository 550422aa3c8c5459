package hostprom

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/hostlife/hostlife/histogram"
)

// schema is the resolution of native histograms: 2^3 buckets for each doubling, each 9 % wide. The
// buckets of package histogram are narrower: 1 %.
const schema = 3

// distribute makes a histogram of both kinds. A value counts as the upper bound of its source
// bucket, so a value less than 1 % below a border may count in the bucket above.
func distribute[T histogram.Number](s histogram.Snapshot[T], bounds []float64) *dto.Histogram {
	h := &dto.Histogram{SampleCount: ref(s.Count), SampleSum: ref(s.Sum)}
	source := s.Buckets()
	classic(h, source, bounds)
	native(h, source)
	return h
}

// classic counts the values up to each of the bounds. The +Inf bucket is implied: its count is the
// sample count.
func classic[T histogram.Number](h *dto.Histogram, source []histogram.Bucket[T], bounds []float64) {
	var n uint64
	for _, bound := range bounds {
		for len(source) > 0 && base(source[0].UpperBound) <= bound {
			n += source[0].Count
			source = source[1:]
		}
		h.Bucket = append(h.Bucket, &dto.Bucket{CumulativeCount: ref(n), UpperBound: ref(bound)})
	}
}

// native counts the values of each bucket that has any. A span is a run of such buckets. Its offset
// counts from the end of the previous span, or from bucket 0. A delta is the difference between the
// counts of a bucket and of the previous one. The zero threshold tells the server that the
// histogram is native even if it is empty.
func native[T histogram.Number](h *dto.Histogram, source []histogram.Bucket[T]) {
	h.Schema, h.ZeroCount = ref(int32(schema)), ref(uint64(0))
	h.ZeroThreshold = ref(prometheus.DefNativeHistogramZeroThreshold)
	var end int32   // the bucket after the last span
	var count int64 // of the last bucket
	for _, b := range source {
		if b.UpperBound == 0 {
			*h.ZeroCount = b.Count
			continue
		}
		i, n := bucket(b), int64(b.Count)
		if k := len(h.PositiveDelta); k > 0 && i == end-1 {
			h.PositiveDelta[k-1] += n
			count += n
			continue
		}
		if len(h.PositiveSpan) == 0 || i > end {
			h.PositiveSpan = append(h.PositiveSpan, &dto.BucketSpan{Offset: ref(i - end), Length: ref(uint32(0))})
		}
		*h.PositiveSpan[len(h.PositiveSpan)-1].Length++
		h.PositiveDelta = append(h.PositiveDelta, n-count)
		end, count = i+1, n
	}
}

// bucket returns the native bucket i of values above 2^((i-1)/2^schema) and up to 2^(i/2^schema).
func bucket[T histogram.Number](b histogram.Bucket[T]) int32 {
	return int32(math.Ceil(math.Log2(base(b.UpperBound)) * (1 << schema)))
}

// base returns v in the base unit: seconds for durations.
func base[T histogram.Number](v T) float64 {
	if d, ok := any(v).(time.Duration); ok {
		return d.Seconds()
	}
	return float64(v)
}

func ref[T any](v T) *T { return &v }

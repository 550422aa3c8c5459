package hostprom

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/hostlife/hostlife/histogram"
)

// schema is the resolution of native histograms: 2^3 buckets for each doubling, so that one
// is 9 % wide, which is coarse beside the 1 % of what they are made of.
const schema = 3

// distribute makes a histogram of both kinds. A value counts as the upper end of the bar that it
// is in, so it may stand in the bucket above its own if it is less than 1 % below the border.
func distribute[T histogram.Number](s histogram.Snapshot[T], bounds []float64) *dto.Histogram {
	h := &dto.Histogram{SampleCount: ref(s.Count), SampleSum: ref(s.Sum)}
	bars := s.Bars()
	classic(h, bars, bounds)
	native(h, bars)
	return h
}

// classic counts the values up to each of the bounds. The bucket of all of them goes without
// saying: its count is the sample count.
func classic[T histogram.Number](h *dto.Histogram, bars []histogram.Bar[T], bounds []float64) {
	var n uint64
	for _, bound := range bounds {
		for len(bars) > 0 && base(bars[0].AtMost) <= bound {
			n += bars[0].Count
			bars = bars[1:]
		}
		h.Bucket = append(h.Bucket, &dto.Bucket{CumulativeCount: ref(n), UpperBound: ref(bound)})
	}
}

// native counts the values of each bucket that has any. A span is a run of such buckets: its offset
// counts from the end of the one before, or from bucket 0. A delta is by how much a bucket's count
// differs from that of the one before. That there is a threshold of 0 tells the server
// that the histogram is native even if it is empty.
func native[T histogram.Number](h *dto.Histogram, bars []histogram.Bar[T]) {
	h.Schema, h.ZeroCount = ref(int32(schema)), ref(uint64(0))
	h.ZeroThreshold = ref(prometheus.DefNativeHistogramZeroThreshold)
	var end int32   // the bucket after the last one
	var count int64 // of the last one
	for len(bars) > 0 {
		if bars[0].AtMost == 0 {
			*h.ZeroCount, bars = bars[0].Count, bars[1:]
			continue
		}
		i, n := bucket(bars[0]), int64(0)
		for len(bars) > 0 && bucket(bars[0]) == i {
			n += int64(bars[0].Count)
			bars = bars[1:]
		}
		if len(h.PositiveSpan) == 0 || i > end {
			h.PositiveSpan = append(h.PositiveSpan, &dto.BucketSpan{Offset: ref(i - end), Length: ref(uint32(0))})
		}
		*h.PositiveSpan[len(h.PositiveSpan)-1].Length++
		h.PositiveDelta = append(h.PositiveDelta, n-count)
		end, count = i+1, n
	}
}

// bucket is that of values above 2^((i-1)/2^schema) and up to 2^(i/2^schema).
func bucket[T histogram.Number](b histogram.Bar[T]) int32 {
	return int32(math.Ceil(math.Log2(base(b.AtMost)) * (1 << schema)))
}

// base is v in the base unit: seconds, or 1.
func base[T histogram.Number](v T) float64 {
	if d, ok := any(v).(time.Duration); ok {
		return d.Seconds()
	}
	return float64(v)
}

func ref[T any](v T) *T { return &v }

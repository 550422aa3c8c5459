package hostprom_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

// detections exposes durations as those of detections.
func detections(t testing.TB, values ...time.Duration) *dto.Histogram {
	t.Helper()
	var h histogram.Histogram[time.Duration]
	for _, v := range values {
		h.Record(v)
	}
	var s hostmgr.Stats
	s.Latency.Detection = h.Snapshot()
	return histograms(gather(t, one(s)))[`detection_seconds{registry="hosts"}`]
}

// decode gives the native buckets by their index, as a server reads them.
func decode(t testing.TB, h *dto.Histogram) map[int32]uint64 {
	t.Helper()
	buckets := map[int32]uint64{}
	var i, count, next = int32(0), int64(0), 0
	for _, span := range h.PositiveSpan {
		i += span.GetOffset()
		require.Positive(t, span.GetLength())
		for range span.GetLength() {
			count += h.PositiveDelta[next]
			require.Positive(t, count)
			buckets[i], i, next = uint64(count), i+1, next+1
		}
	}
	require.Len(t, h.PositiveDelta, next)
	return buckets
}

func TestAnEmptyHistogramIsOfBothKinds(t *testing.T) {
	h := detections(t)
	require.NotNil(t, h.SampleCount)
	require.Zero(t, h.GetSampleCount())
	require.Zero(t, h.GetSampleSum())
	require.Len(t, h.Bucket, 17)
	require.EqualValues(t, 3, h.GetSchema())
	require.Positive(t, h.GetZeroThreshold(), "a server knows a native histogram by it")
	require.Empty(t, h.PositiveSpan)
}

func TestHistogramsToTheValue(t *testing.T) {
	h := detections(t, 0, 0, 90*time.Millisecond, 900*time.Millisecond, second, 910*time.Millisecond, 48*time.Hour)
	require.EqualValues(t, 7, h.GetSampleCount())
	require.InDelta(t, 172802.9, h.GetSampleSum(), 1e-9)
	require.EqualValues(t, 2, h.GetZeroCount())
	require.Equal(t, map[int32]uint64{
		-27: 1, // (0.088, 0.096]
		-1:  2, // (0.841, 0.917]
		1:   1, // (1, 1.09]: the bucket of 1 s ends above it
		140: 1, // (47.2 h, 51.5 h]: the last bucket ends at the maximum
	}, decode(t, h))
	cumulative := map[float64]uint64{}
	for _, b := range h.Bucket {
		cumulative[b.GetUpperBound()] = b.GetCumulativeCount()
	}
	require.Equal(t, map[float64]uint64{
		0.1: 3, 0.5: 3, 1: 5, 2.5: 6, 5: 6, 10: 6, 20: 6, 30: 6, 60: 6, 90: 6, 120: 6, 180: 6, 300: 6, 360: 6, 600: 6, 1800: 6, 3600: 6,
	}, cumulative)
}

// Both kinds tell of the same values, and neither is off by more than it may be.
func TestBothKindsAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		values := make([]time.Duration, 1+random.IntN(2000))
		for i := range values {
			values[i] = time.Duration(math.Pow(10, 14*random.Float64()) - 1) // up to 28 h
		}
		h := detections(t, values...)
		native := decode(t, h)
		total := h.GetZeroCount()
		for _, n := range native {
			total += n
		}
		require.EqualValues(t, len(values), total)
		require.Equal(t, total, h.GetSampleCount())

		before := uint64(0)
		for _, b := range h.Bucket {
			require.GreaterOrEqual(t, b.GetCumulativeCount(), before)
			before = b.GetCumulativeCount()
			require.LessOrEqual(t, b.GetCumulativeCount(), upTo(values, b.GetUpperBound()), "none is counted below its own")
			require.GreaterOrEqual(t, b.GetCumulativeCount(), upTo(values, b.GetUpperBound()*0.99), "nor much above")
			low, high := h.GetZeroCount(), h.GetZeroCount() // of what is up to the bound, by the native one
			for i, n := range native {
				if math.Exp2(float64(i)/8) <= b.GetUpperBound() {
					low += n
				}
				if math.Exp2(float64(i-1)/8) < b.GetUpperBound() {
					high += n
				}
			}
			require.LessOrEqual(t, low, b.GetCumulativeCount())
			require.GreaterOrEqual(t, high, b.GetCumulativeCount())
		}
		require.LessOrEqual(t, before, h.GetSampleCount())
		sum := 0.0
		for _, v := range values {
			sum += v.Seconds()
		}
		require.InEpsilon(t, sum, h.GetSampleSum(), 1e-9)
	}
}

func upTo(values []time.Duration, bound float64) (n uint64) {
	for _, v := range values {
		if v.Seconds() <= bound {
			n++
		}
	}
	return n
}

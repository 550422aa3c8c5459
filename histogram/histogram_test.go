package histogram_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/histogram"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheZeroHistogramIsOfNothing(t *testing.T) {
	var h histogram.Histogram[time.Duration]
	require.Equal(t, histogram.Snapshot[time.Duration]{}, h.Snapshot())
	require.Empty(t, h.Snapshot().Buckets())
}

// The values are 1000 ms, 999 ms, ... 1 ms.
func TestPercentiles(t *testing.T) {
	var h histogram.Histogram[time.Duration]
	for i := 1000; i > 0; i-- {
		h.Record(time.Duration(i) * time.Millisecond)
	}
	s := h.Snapshot()
	require.EqualValues(t, 1000, s.Count)
	require.InDelta(t, 500.5, s.Sum, 1e-9)
	require.Equal(t, [3]time.Duration{time.Millisecond, 500500 * time.Microsecond, time.Second}, [3]time.Duration{s.Min, s.Mean, s.Max})
	for _, p := range []struct{ want, got time.Duration }{{500, s.P50}, {900, s.P90}, {990, s.P99}, {999, s.P999}} {
		require.GreaterOrEqual(t, p.got, p.want*time.Millisecond, "an upper bound")
		require.InEpsilon(t, p.want*time.Millisecond, p.got, 0.01)
	}
}

func TestOfOneAllIsExact(t *testing.T) {
	var h histogram.Histogram[time.Duration]
	const d = 1234567 * time.Microsecond
	h.Record(d)
	s := h.Snapshot()
	require.Equal(t, [7]time.Duration{d, d, d, d, d, d, d}, [7]time.Duration{s.Min, s.Mean, s.P50, s.P90, s.P99, s.P999, s.Max})
}

func TestRatios(t *testing.T) {
	var h histogram.Histogram[float64]
	for i := range 101 {
		h.Record(float64(i) / 100)
	}
	s := h.Snapshot()
	require.InDelta(t, 0.5, s.Mean, 1e-9)
	require.InDelta(t, 50.5, s.Sum, 1e-9)
	require.InEpsilon(t, 0.5, s.P50, 0.01)
	require.InDelta(t, 1, s.Max, 0)
}

// Invalid values are counted, and break nothing.
func TestExtremes(t *testing.T) {
	var d histogram.Histogram[time.Duration]
	d.Record(-time.Hour)
	require.Zero(t, d.Snapshot().Max)
	require.EqualValues(t, 1, d.Snapshot().Count)
	d.Record(math.MaxInt64)
	require.Equal(t, time.Duration(math.MaxInt64), d.Snapshot().Max)
	require.Equal(t, time.Duration(math.MaxInt64), d.Snapshot().P99, "beyond a day it is the maximum")
	d.Record(math.MaxInt64) // more than fits into an int64 together
	require.Positive(t, d.Snapshot().Mean)

	var f histogram.Histogram[float64]
	for _, v := range []float64{math.NaN(), -1, math.Inf(-1), 1e300, math.Inf(1)} {
		f.Record(v)
	}
	require.EqualValues(t, 5, f.Snapshot().Count)
	require.Zero(t, f.Snapshot().Min)
}

// The buckets are the whole distribution, in order, each at most 1 % too high.
func TestBars(t *testing.T) {
	var h histogram.Histogram[time.Duration]
	for _, d := range []time.Duration{0, 3, 3, time.Microsecond, time.Second, 2 * time.Second} {
		h.Record(d)
	}
	want := []histogram.Bucket[time.Duration]{{0, 1}, {3, 2}, {time.Microsecond, 1}, {time.Second, 1}, {2 * time.Second, 1}}
	bars := h.Snapshot().Buckets()
	require.Len(t, bars, len(want))
	for i, b := range bars {
		require.Equal(t, want[i].Count, b.Count)
		require.GreaterOrEqual(t, b.UpperBound, want[i].UpperBound)
		require.LessOrEqual(t, float64(b.UpperBound), 1.01*float64(want[i].UpperBound))
	}
}

// A snapshot and its buckets do not change.
func TestASnapshotStays(t *testing.T) {
	var h histogram.Histogram[time.Duration]
	h.Record(time.Second)
	s := h.Snapshot()
	before := s.Buckets()
	h.Record(time.Second)
	h.Record(time.Minute)
	require.Equal(t, before, s.Buckets())
	require.Equal(t, uint64(1), s.Count)
	require.Len(t, h.Snapshot().Buckets(), 2)
}

package histogram_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/histogram"
)

const day = 24 * time.Hour

// All sums of durations fit, and their mean is exact to the nanosecond.
func TestMeansOfTheLongestDurations(t *testing.T) {
	for n := 1; n <= 5; n++ {
		var h histogram.Histogram[time.Duration]
		for range n {
			h.Record(math.MaxInt64)
		}
		s := h.Snapshot()
		require.Equal(t, time.Duration(math.MaxInt64), s.Mean, "of %d", n)
		require.InEpsilon(t, float64(n)*math.MaxInt64/1e9, s.Sum, 1e-15)
	}
	var h histogram.Histogram[time.Duration]
	for range 1000 { // a float64 has no nanoseconds beyond 104 days
		h.Record(1000*day + 1)
	}
	require.Equal(t, 1000*day+1, h.Snapshot().Mean)
}

// Sums and means of infinite ratios are finite, so they can be written as JSON.
func TestRatiosWithoutEnd(t *testing.T) {
	var h histogram.Histogram[float64]
	for range 3 {
		h.Record(math.Inf(1))
	}
	s := h.Snapshot()
	for _, v := range []float64{s.Sum, s.Min, s.Mean, s.P50, s.P999, s.Max} {
		require.InDelta(t, math.MaxFloat64, v, 0)
	}
}

// Sums, means and bounds of durations hold against the values themselves.
func TestDurationsAgainstAllValues(t *testing.T) {
	edges := []time.Duration{math.MinInt64, -1, 0, 1, 2, 127, 128, 129, 255, 256, 257, day - 1, day, day + 1, 2 * day, math.MaxInt64 - 1, math.MaxInt64}
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		some, short := edges, 0
		if seed%2 == 0 { // nearly all within a day, and apart
			some, short = edges[:3], 20
		}
		values := draw(rnd, some, func() time.Duration { return time.Duration(rnd.Uint64() >> short >> rnd.IntN(44) >> 1) })
		s := check(t, values)
		sum := new(big.Int)
		for _, v := range values {
			sum.Add(sum, big.NewInt(int64(v)))
		}
		mean := new(big.Int).Quo(sum, big.NewInt(int64(len(values))))
		require.Equal(t, mean.Int64(), int64(s.Mean), values)
		seconds, _ := new(big.Rat).SetFrac(sum, big.NewInt(1e9)).Float64()
		require.InDelta(t, seconds, s.Sum, 4e-16*seconds)
	}
}

// Likewise for ratios, whose sum is a float64.
func TestRatiosAgainstAllValues(t *testing.T) {
	edges := []float64{math.NaN(), math.Inf(-1), -1, 0, math.SmallestNonzeroFloat64, 1e-9, 1e-6, 0.1, 0.3, 0.999999, 1, 1.0000001, 3,
		8.64e7, 8.65e7, 1e300, math.MaxFloat64, math.Inf(1)}
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		values := draw(rnd, edges, func() float64 { return rnd.ExpFloat64() * math.Pow(10, float64(rnd.IntN(20)-10)) })
		check(t, values)
	}
}

// The upper bound of a ratio is never below it, whether it is alone or below a greater one.
func TestABoundIsNeverBelowARatio(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 5))
	for range 300 {
		v := rnd.Float64() * math.Pow(10, float64(rnd.IntN(10)-7))
		if rnd.IntN(2) == 0 {
			v = math.Nextafter(float64(rnd.IntN(1e6))/1e6, 2)
		}
		check(t, []float64{v, v, 1e6})
	}
}

// draw draws up to 2000 values, or very few, some of them edges.
func draw[T histogram.Number](rnd *rand.Rand, edges []T, other func() T) (values []T) {
	for range 1 + rnd.IntN([]int{1, 2, 3, 50, 2000}[rnd.IntN(5)]) {
		v := other()
		if rnd.IntN(3) == 0 {
			v = edges[rnd.IntN(len(edges))]
		}
		values = append(values, v)
	}
	return values
}

// check checks what holds for any values. It sorts them, and makes them as they are counted.
func check[T histogram.Number](t *testing.T, values []T) histogram.Snapshot[T] {
	var h histogram.Histogram[T]
	for i, v := range values {
		h.Record(v)
		if positive := v > 0; !positive { // or NaN
			values[i] = 0
		}
		values[i] = min(values[i], greatest[T]())
	}
	slices.Sort(values)
	s, n := h.Snapshot(), len(values)
	require.Equal(t, [3]any{uint64(n), values[0], values[n-1]}, [3]any{s.Count, s.Min, s.Max})
	require.True(t, s.Min <= s.Mean && s.Mean <= s.Max, "%v %v %v", s.Min, s.Mean, s.Max)
	require.GreaterOrEqual(t, s.Sum, 0.0)
	require.False(t, math.IsInf(s.Sum, 0))
	for permille, got := range map[int]T{500: s.P50, 900: s.P90, 990: s.P99, 999: s.P999} {
		requireBound(t, values[(n*permille+999)/1000-1], got, s.Max)
	}
	below, k := T(-1), 0
	for _, b := range s.Buckets() {
		require.Greater(t, b.UpperBound, below)
		for i := range int(b.Count) {
			requireBound(t, values[k+i], b.UpperBound, max(s.Max, b.UpperBound))
			require.Greater(t, values[k+i], below, "it belongs to the bar before")
		}
		k, below = k+int(b.Count), b.UpperBound
	}
	require.Equal(t, n, k)
	require.Equal(t, s.Buckets(), h.Snapshot().Buckets())
	return s
}

// requireBound fails if got is below v, or more than 1 % and a step above, or above the greatest.
func requireBound[T histogram.Number](t *testing.T, v, got, most T) {
	require.True(t, v <= got && got <= most, "%v is not from %v to %v", got, v, most)
	step, countable := T(0), T(int64(day))
	if _, ratio := any(v).(float64); ratio {
		step, countable = T(1)/T(1e6), T(86.4e6)
	}
	if v <= countable*99/100 {
		require.LessOrEqual(t, float64(got), 1.01*(float64(v)+float64(step)))
	}
}

func greatest[T histogram.Number]() T {
	most := math.MaxFloat64
	if v, ok := any(most).(T); ok {
		return v
	}
	d, _ := any(time.Duration(math.MaxInt64)).(T)
	return d
}

package histogram_test

import (
	"fmt"
	"time"

	"github.com/hostlife/hostlife/histogram"
)

// The zero histogram is ready to use. A lock of the caller's guards it where goroutines share it.
func ExampleHistogram() {
	var latency histogram.Histogram[time.Duration]
	for ms := range 1000 {
		latency.Record(time.Duration(ms+1) * time.Millisecond)
	}

	s := latency.Snapshot()
	fmt.Println(s.Count, "values, from", s.Min, "to", s.Max, "with a mean of", s.Mean)
	fmt.Println("half are at most 1 % above 500ms:", s.P50 >= 500*time.Millisecond && s.P50 <= 505*time.Millisecond)
	// Output:
	// 1000 values, from 1ms to 1s with a mean of 500.5ms
	// half are at most 1 % above 500ms: true
}

// The buckets of a snapshot become the cumulative buckets of another kind of histogram. An upper
// bound is at most 1 % above the values in its bucket.
func ExampleSnapshot_Buckets() {
	var share histogram.Histogram[float64]
	for _, v := range []float64{0.25, 0.25, 0.5} {
		share.Record(v)
	}

	var count uint64
	for _, b := range share.Snapshot().Buckets() {
		count += b.Count
		fmt.Printf("%d values are at most %.2f\n", count, b.UpperBound)
	}
	// Output:
	// 2 values are at most 0.25
	// 3 values are at most 0.50
}

package hostprom

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/histogram"
)

// A power of two is the upper end of a native bucket, not in the next one.
func TestBordersOfNativeBuckets(t *testing.T) {
	for v, want := range map[float64]int32{0.25: -16, 0.5: -8, 1: 0, 64: 48} {
		require.Equal(t, want, bucket(histogram.Bucket[float64]{UpperBound: v}), v)
	}
	require.EqualValues(t, -8, bucket(histogram.Bucket[time.Duration]{UpperBound: 500 * time.Millisecond}))
	require.EqualValues(t, -7, bucket(histogram.Bucket[time.Duration]{UpperBound: 501 * time.Millisecond}))
}

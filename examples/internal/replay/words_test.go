package replay

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWords(t *testing.T) {
	for more, want := range map[float64]string{
		305: "305 more evictions", -305: "305 fewer evictions", 0: "as many evictions", 1: "1 more eviction", -1: "1 fewer eviction",
		15.4: "15 more evictions", 6.44: "6.4 more evictions", 0.0167: "0.017 more evictions", 103270: "103270 more evictions",
	} {
		require.Equal(t, want, change(more, "evictions"))
	}
	for d, want := range map[time.Duration]string{
		30 * time.Minute: "30m", 2 * time.Hour: "2h", 64 * time.Minute: "1h4m", 90 * time.Second: "1m30s", 0: "0s", time.Hour + 5*time.Second: "1h0m5s",
	} {
		require.Equal(t, want, plain(d))
	}
	require.Equal(t, "1h4m", hours(1.0666))
	require.Equal(t, "3m56s", hours(0.06556))
	require.Equal(t, "1.08s", hours(0.0003))
}

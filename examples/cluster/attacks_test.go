//go:build unix

package main_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// small has a policy make its decisions soon, and be judged as a busy machine can bear.
func small(policy string, more ...string) []string {
	return append([]string{"-policy", policy, "-interval", "800ms", "-mass", "500", "-mass-interval", "800ms",
		"-jitter", "400ms", "-offline", "800ms", "-lag", "1s"}, more...)
}

func requireAll(t *testing.T, args []string, names ...string) {
	t.Helper()
	v, code := play(t, args...)
	require.Empty(t, v.failed())
	require.Zero(t, code)
	require.Len(t, v.Scenarios, len(names))
	for i, s := range v.Scenarios {
		require.Equal(t, names[i], s.Name)
		require.Positive(t, s.DetectMS, s.Name)
		require.Positive(t, s.LagMS, s.Name)
	}
}

func TestOutages(t *testing.T) {
	for _, policy := range []string{"fixed", "tiered"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			requireAll(t, small(policy, "-scenarios", "partition,interruptions"), "interruptions", "partition")
		})
	}
}

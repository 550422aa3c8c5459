//go:build unix

package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/effort"
)

// small has a policy make its decisions soon, and be judged as a busy machine can bear.
func small(policy, scenarios string) []string {
	interval, jitter := "800ms", "400ms"
	if scenarios == "churn" { // it starts many processes, and so makes the machine busy
		interval, jitter = "1s", "500ms"
	}
	return []string{
		"-policy", policy, "-scenarios", scenarios, "-interval", interval, "-jitter", jitter, "-offline", interval,
		"-lag", "1s", "-churn", "5s", "-churn-hosts", "20",
	}
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, scenario := range some("churn", "interruptions", "partition") {
		for _, policy := range some("fixed", "tiered") {
			t.Run(scenario+" "+policy, func(t *testing.T) {
				t.Parallel()
				requireAll(t, small(policy, scenario), []string{scenario})
			})
		}
	}
}

// A scheduler that never evicts, and one that evicts too early.
func TestAttacksCanFail(t *testing.T) {
	t.Parallel()
	for _, flags := range some("-multiple 1.3", "-multiple 1000") {
		for _, scenario := range some("partition", "interruptions", "churn") {
			t.Run(flags+" "+scenario, func(t *testing.T) {
				t.Parallel()
				v, code := play(t, append(small("fixed", scenario), "-churn", "2s", "-scheduler-flags", flags)...)
				require.Equal(t, 1, code)
				require.Equal(t, []string{scenario}, v.failed())
			})
		}
	}
}

// The runs that RELIABILITY.md reports, with the flags of the command. They take half an hour.
func TestLong(t *testing.T) {
	if !effort.Long() {
		t.Skip("HOSTLIFE_LONG=1 and -timeout 1h run it")
	}
	five := []string{"normal_exit", "abnormal_exit", "jitter", "scheduler_frozen", "mass_exit"}
	for _, policy := range []string{"fixed", "tiered"} {
		for i := range 20 {
			t.Run(fmt.Sprint(policy, i+1), func(t *testing.T) {
				all := append(five[:5:5], "interruptions", "partition")
				requireAll(t, []string{"-policy", policy, "-scenarios", strings.Join(all, ",")}, all)
			})
		}
		t.Run(policy+" churn", func(t *testing.T) {
			requireAll(t, []string{"-policy", policy, "-scenarios", "churn"}, []string{"churn"})
		})
	}
}

// requireAll plays the scenarios, and wants all of them to be ok. It logs what they
// measured.
func requireAll(t *testing.T, args, names []string) {
	t.Helper()
	v, code := play(t, args...)
	require.Empty(t, v.failed())
	require.Zero(t, code)
	require.Len(t, v.Scenarios, len(names))
	for i, s := range v.Scenarios {
		require.Equal(t, names[i], s.Name)
		t.Logf("%-17s detect %8.1f ms, lag %6.1f ms, %s", s.Name, s.DetectMS, s.LagMS, s.Detail)
	}
}

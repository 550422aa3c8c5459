package hostmgr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func TestEveryDepartureHasAReason(t *testing.T) {
	silent := hostmgr.Evidence{Silence: 2*second + 1234567, Interval: second, Timeout: 2 * second}
	learned, stalled, held := silent, silent, silent
	learned.Mean, learned.Deviation, learned.Count = second, 1500, 300
	stalled.StallTime = time.Minute
	held.HeldFor, held.Hold = 5*second, holdReason(t)
	asked, waited := silent, silent
	require.NoError(t, asked.Hold.UnmarshalText([]byte("awaiting the other members")))
	asked.HeldFor, waited.HeldFor, waited.Hold = second-1, second, asked.Hold
	justDue := hostmgr.Evidence{Silence: 2*second + 1, Interval: second, Timeout: 2 * second}
	const why = "silent for 2.001235s, timeout 2s at an interval of 1s"
	for _, row := range []struct {
		kind hostmgr.DepartureKind
		of   hostmgr.Evidence
		want string
	}{
		{hostmgr.DepartureLeft, silent, "it left"},
		{hostmgr.DepartureReplaced, silent, "a newer incarnation announced itself"},
		{hostmgr.DepartureForgotten, silent, "removed without cleanup"},
		{0, silent, ""},
		{hostmgr.DepartureForgotten + 1, silent, ""},
		{hostmgr.DepartureEvicted, justDue, "silent for 2.000001s, timeout 2s at an interval of 1s"},
		{hostmgr.DepartureEvicted, silent, why},
		{hostmgr.DepartureEvicted, learned, why + ", learned from 300 contacts every 1s ± 2µs"},
		{hostmgr.DepartureEvicted, stalled, why + "; not counting a stall of 1m0s"},
		{hostmgr.DepartureEvicted, asked, why}, // as usual in a shared registry
		{hostmgr.DepartureEvicted, waited, why + "; held for 1s: awaiting the other members"},
		{hostmgr.DepartureEvicted, held, why + "; held for 5s: eviction limit: at most 0.5 evictions a second"},
	} {
		dep := hostmgr.Departure[string]{Kind: row.kind, Evidence: row.of}
		require.Equal(t, row.want, dep.Reason())
	}
}

// holdReason returns the reason of a host that an eviction limit holds.
func holdReason(t *testing.T) hostmgr.HoldReason {
	s := newScript(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{PerSecond: 0.5}})
	for _, id := range []string{"a", "b", "c"} {
		s.join(id)
	}
	require.Equal(t, 1, s.after(2*second+1).Evicted)
	s.after(0)
	for h := range s.All() {
		return h.Hold
	}
	return hostmgr.HoldReason{}
}

package hostmgr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func TestEveryDepartureHasAReason(t *testing.T) {
	silent := hostmgr.Evidence{Silence: 2*second + 1234567, Interval: second, Patience: 2 * second}
	stalled, held := silent, silent
	stalled.Excused = time.Minute
	held.HeldFor, held.HeldBy = 5*second, "guard: 3 of 4 hosts are missing"
	for _, row := range []struct {
		kind hostmgr.Kind
		of   hostmgr.Evidence
		want string
	}{
		{hostmgr.Left, silent, "it said so"},
		{hostmgr.Replaced, silent, "a newer incarnation announced itself"},
		{hostmgr.Forgotten, silent, "removed without cleanup"},
		{hostmgr.Joined, silent, ""},
		{hostmgr.Evicted, hostmgr.Evidence{Silence: 2*second + 1, Interval: second, Patience: 2 * second}, "silent for 2.000001s, patience 2s at an interval of 1s"},
		{hostmgr.Evicted, silent, "silent for 2.001235s, patience 2s at an interval of 1s"},
		{hostmgr.Evicted, stalled, "silent for 2.001235s, patience 2s at an interval of 1s; not counting 1m0s in which nobody listened"},
		{hostmgr.Evicted, held, "silent for 2.001235s, patience 2s at an interval of 1s; held for 5s: guard: 3 of 4 hosts are missing"},
	} {
		require.Equal(t, row.want, row.of.Reason(row.kind))
	}
}

package replay

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
)

// Of a long trace a policy that needs history gets the last heartbeats only, unless -warm says how many.
func TestWarmUp(t *testing.T) {
	for name, test := range map[string]struct {
		policies string
		given    bool
		loss     float64
		span     time.Duration
		want     int
	}{
		"long":       {"fixed:2,phi:8", false, 0, 200 * time.Hour, 500},
		"short":      {"fixed:2,phi:8", false, 0, 100 * time.Hour, 0},
		"as wanted":  {"fixed:2,phi:8", true, 0, 200 * time.Hour, 0},
		"no history": {"fixed:2,fixed:3", false, 0, 200 * time.Hour, 0},
		"losses":     {"fixed:2,phi:8", false, 0.1, 200 * time.Hour, 0},
	} {
		c := &config{interval: 10 * time.Millisecond, loss: test.loss, warmGiven: test.given}
		var err error
		c.policies, err = parsePolicies("-policies", test.policies, "")
		require.NoError(t, err)
		trace := &outage.Trace{Nodes: []outage.Node{{From: int64(time.Hour), To: int64(time.Hour + test.span)}}}
		c.warmUp(trace)
		require.Equal(t, test.want, c.warm, name)
		require.Equal(t, test.want > 0, strings.Contains(c.summary(trace), ", warm 500"), name)
	}
}

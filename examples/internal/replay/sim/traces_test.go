package sim_test

import (
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/examples/internal/replay/sim"
	"github.com/hostlife/hostlife/hostmgr"
)

const second = int64(time.Second)

var policies = map[string]hostmgr.Policy{
	"fixed:1.5": hostmgr.Fixed(1.5),
	"fixed:2":   hostmgr.Fixed(2),
	"fixed:3":   hostmgr.Fixed(3),
	"tiered":    hostmgr.Tiered{Jitter: 30 * time.Second, Offline: 5 * time.Minute},
}

// allPolicies are the policies, and those that learn.
func allPolicies() map[string]hostmgr.Policy {
	all := maps.Clone(policies)
	all["phi:8"] = hostmgr.PhiAccrual{Threshold: 8}
	all["phi:2"] = hostmgr.PhiAccrual{Threshold: 2}
	return all
}

// config is that of a network that delays by up to 55 ms and loses nothing.
func config(p hostmgr.Policy) *sim.Config {
	return &sim.Config{Policy: p, Interval: 30 * time.Second, Delay: 5 * time.Millisecond, Spread: 50 * time.Millisecond, Seed: 1}
}

func play(t *testing.T, trace *outage.Trace, c *sim.Config) sim.Figures {
	t.Helper()
	f, err := sim.Run(t.Context(), trace, c)
	require.NoError(t, err)
	require.Equal(t, trace.Outages(), f.Outages)
	require.Equal(t, f.Outages, f.Detected+f.Missed+f.Open+f.Unseen)
	require.Equal(t, f.Evictions, f.Detected+f.False+f.Late)
	require.Len(t, f.Detections(), f.Detected)
	return f
}

// one is the trace of one node, with outages from and to whole seconds.
func one(end int64, at ...int64) *outage.Trace {
	n := outage.Node{Name: "a", To: end * second}
	for i := 0; i < len(at); i += 2 {
		n.Outages = append(n.Outages, outage.Outage{Down: at[i] * second, Up: at[i+1] * second})
	}
	return &outage.Trace{Start: time.Unix(1e9, 0).UTC(), End: n.To, Nodes: []outage.Node{n}}
}

// random is a trace of few nodes that fail often: for seconds, minutes, or until the end.
func random(seed uint64, nodes int, seconds int64) *outage.Trace {
	rng := rand.New(rand.NewPCG(seed, 7))
	t := &outage.Trace{Start: time.Unix(1e9, 0).UTC(), End: seconds * second}
	for i := range nodes {
		n := outage.Node{Name: string(rune('a' + i)), To: t.End}
		if rng.IntN(3) == 0 {
			n.From, n.To = rng.Int64N(t.End/2), t.End/2+rng.Int64N(t.End/2)
		}
		length := []int64{second, 60 * second, 1000 * second}
		for at := n.From + rng.Int64N(3)*rng.Int64N(600*second); at < n.To; {
			up := min(n.To, at+1+rng.Int64N(length[rng.IntN(3)]))
			n.Outages = append(n.Outages, outage.Outage{Down: at, Up: up})
			at = up + 1 + rng.Int64N(length[rng.IntN(3)])
		}
		t.Nodes = append(t.Nodes, n)
	}
	return t
}

// plain is the figures without what tests look at otherwise.
func plain(f sim.Figures) sim.Figures {
	return sim.Figures{Outages: f.Outages, Detected: f.Detected, Missed: f.Missed, Open: f.Open, Unseen: f.Unseen,
		Evictions: f.Evictions, False: f.False, Late: f.Late, Returned5: f.Returned5, Returned30: f.Returned30, Needless: f.Needless,
		Suspicions: f.Suspicions, Recovered: f.Recovered, Contacts: f.Contacts}
}

package cluster_test

import (
	"testing"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cluster"
	"github.com/stretchr/testify/require"
)

// outage is what is seen of a peer that heartbeat at 0, was stopped, and could be heard
// again from over on.
type outage struct {
	last, over, again cluster.Line
	missing           time.Time
	registered        bool
	departures        []cluster.Line
}

// bearable is an outage that ends in time, too long is one that doesn't: the host
// is evicted at 2.001.
func bearable() *outage {
	return &outage{
		last: cluster.Line{Time: at(0), Registration: "1"}, over: cluster.Line{Time: at(1.2)},
		again: cluster.Line{Time: at(1.3), Registration: "1"}, registered: true,
	}
}

func tooLong() *outage {
	o := bearable()
	o.over.Time, o.again, o.missing = at(3), cluster.Line{Time: at(3.1), Registration: "2"}, at(2.01)
	o.departures = []cluster.Line{{
		Host: "h", Kind: "evicted", LastContact: at(-0.001), Deadline: at(1.999), At: at(2.001), Cleaned: at(2.002),
		Freed: cluster.Replicas,
	}}
	return o
}

func (o *outage) judge() []string {
	return cluster.JudgeOutage(o.last, o.over, o.again, o.missing, o.registered, o.departures)
}

func TestOutage(t *testing.T) {
	require.Empty(t, bearable().judge())
	require.Empty(t, tooLong().judge())
	type breaks map[string]func(o *outage)
	for name, c := range map[string]struct {
		make   func() *outage
		breaks breaks
	}{
		"bearable": {bearable, breaks{
			"does not announce any more":          func(o *outage) { o.again = cluster.Line{} },
			"announced only 1.600 s after":        func(o *outage) { o.again.Time = at(2.8) },
			"peers of h are not registered":       func(o *outage) { o.registered = false },
			"is in registration 2, was in 1":      func(o *outage) { o.again.Registration = "2" },
			"was not listed for a while":          func(o *outage) { o.missing = at(1) },
			"not evicted after 2.600 s":           func(o *outage) { o.over.Time, o.again.Time = at(2.6), at(2.7) },
			"evicted after 1.550 s of silence at": func(o *outage) { *o = *tooLong(); o.over.Time, o.again.Time = at(1.2), at(1.3) },
		}},
		"too long": {tooLong, breaks{
			"departed 2 times":                        func(o *outage) { o.departures = append(o.departures, o.departures[0]) },
			"h left":                                  func(o *outage) { o.departures[0].Kind = "left" },
			"2 of 3 peers of h freed":                 func(o *outage) { o.departures[0].Freed = 2 },
			"last heard 300.0 ms before it was":       func(o *outage) { o.departures[0].LastContact, o.departures[0].Deadline = at(-0.3), at(1.7) },
			"evicted 499.0 ms before its deadline":    func(o *outage) { o.departures[0].At = at(1.5) },
			"clean only 601.0 ms after":               func(o *outage) { o.departures[0].Cleaned = at(2.6) },
			"not listed 999.0 ms before":              func(o *outage) { o.missing = at(1) },
			"evicted, but is still in registration 1": func(o *outage) { o.again.Registration = "1" },
		}},
	} {
		for problem, breakIt := range c.breaks {
			t.Run(name+": "+problem, func(t *testing.T) {
				o := c.make()
				breakIt(o)
				problems := o.judge()
				require.Len(t, problems, 1)
				require.Contains(t, problems[0], problem)
			})
		}
	}
}

// Where timeout and silence do not decide, both results are right.
func TestOutageInDoubt(t *testing.T) {
	saved, lost := bearable(), tooLong()
	for _, o := range []*outage{saved, lost} {
		o.over.Time, o.again.Time = at(1.95), at(2.01)
		require.Empty(t, o.judge())
	}
}

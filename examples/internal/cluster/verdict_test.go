package cluster_test

import (
	"testing"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cluster"
	"github.com/stretchr/testify/require"
)

// A verdict that can't fail is none. Each case takes evidence that is in order,
// breaks one thing, and wants just that to be found.

var t0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return t0.Add(time.Duration(seconds * float64(time.Second))) }

// eviction is what is seen of a host that heartbeat at 0, was killed at 0.3 and was
// evicted at 2.001.
type eviction struct {
	killed, gone   time.Time
	freed, stalled bool
	departures     []cluster.Line
}

func inOrder() *eviction {
	return &eviction{killed: at(0.3), gone: at(2.01), freed: true, departures: []cluster.Line{{
		Host: "h", Kind: "evicted", LastContact: at(0), Deadline: at(2), At: at(2.001), Cleaned: at(2.002),
		Freed: cluster.Replicas,
	}}}
}

func (e *eviction) judge() []string {
	return cluster.JudgeEviction(e.killed, e.gone, e.freed, e.stalled, e.departures)
}

func TestEviction(t *testing.T) {
	require.Empty(t, inOrder().judge())
	for problem, breakIt := range map[string]func(e *eviction, d *cluster.Line){
		"is still listed":                      func(e *eviction, _ *cluster.Line) { e.gone = time.Time{} },
		"peers of h are not freed":             func(e *eviction, _ *cluster.Line) { e.freed = false },
		"departed 0 times":                     func(e *eviction, _ *cluster.Line) { e.departures = nil },
		"departed 2 times":                     func(e *eviction, d *cluster.Line) { e.departures = append(e.departures, *d) },
		"h left":                               func(_ *eviction, d *cluster.Line) { d.Kind = "left" },
		"2 of 3 peers of h freed":              func(_ *eviction, d *cluster.Line) { d.Freed = 2 },
		"heard after it was killed":            func(e *eviction, _ *cluster.Line) { e.killed = at(-0.1) },
		"last heard 1.800 s before":            func(e *eviction, _ *cluster.Line) { e.killed = at(1.8) },
		"evicted 500.0 ms before its deadline": func(_ *eviction, d *cluster.Line) { d.At = at(1.5) },
		"clean only 600.0 ms after":            func(_ *eviction, d *cluster.Line) { d.Cleaned = at(2.6) },
		"not listed 1.000 s before its deadline": func(e *eviction, _ *cluster.Line) {
			e.gone = at(1)
		},
		"listed until 600.0 ms after its deadline": func(e *eviction, _ *cluster.Line) { e.gone = at(2.6) },
		"a deadline 300.0 ms too late":             func(_ *eviction, d *cluster.Line) { d.Deadline = at(2.3) },
	} {
		t.Run(problem, func(t *testing.T) {
			e := inOrder()
			breakIt(e, &e.departures[0])
			problems := e.judge()
			require.Len(t, problems, 1)
			require.Contains(t, problems[0], problem)
		})
	}
}

// After a stall a deadline may be later, but not by anything.
func TestEvictionAfterAStall(t *testing.T) {
	e := inOrder()
	e.stalled = true
	d := &e.departures[0]
	d.Deadline, d.At, d.Cleaned, e.gone = at(3.4), at(3.401), at(3.402), at(3.41)
	require.Empty(t, e.judge())
	d.Deadline, d.At, d.Cleaned, e.gone = at(3.6), at(3.601), at(3.602), at(3.61)
	require.Len(t, e.judge(), 1)
	d.StallTime = 1700 * time.Millisecond
	require.Empty(t, e.judge())
}

func TestLeave(t *testing.T) {
	ds := func(kind string, cleaned float64) []cluster.Line {
		return []cluster.Line{{Host: "h", Kind: kind, At: at(0.01), Cleaned: at(cleaned), Freed: cluster.Replicas}}
	}
	require.Empty(t, cluster.JudgeLeave(at(0), at(0.02), true, ds("left", 0.01)))
	require.NotEmpty(t, cluster.JudgeLeave(at(0), at(0.02), true, ds("evicted", 0.01)))
	require.NotEmpty(t, cluster.JudgeLeave(at(0), at(0.02), true, ds("left", 0.6)), "cleaned too late")
	require.NotEmpty(t, cluster.JudgeLeave(at(0), at(0.6), true, ds("left", 0.01)), "gone too late")
	require.NotEmpty(t, cluster.JudgeLeave(at(0), time.Time{}, true, ds("left", 0.01)))
	require.NotEmpty(t, cluster.JudgeLeave(at(0), at(0.02), false, ds("left", 0.01)))
	require.NotEmpty(t, cluster.JudgeLeave(at(0), at(0.02), true, nil))
}

func TestMass(t *testing.T) {
	ids := []string{"mass-1", "mass-2"}
	ds := func() []cluster.Line {
		l := cluster.Line{Kind: "evicted", LastContact: at(0), Deadline: at(2), At: at(2.001), Cleaned: at(2.002), Freed: 1}
		one, two := l, l
		one.Host, two.Host = ids[0], ids[1]
		return []cluster.Line{one, two}
	}
	require.Empty(t, cluster.JudgeMass(ds(), ids, at(0.5)))
	for name, breakIt := range map[string]func([]cluster.Line) []cluster.Line{
		"one missing":  func(ds []cluster.Line) []cluster.Line { return ds[:1] },
		"one twice":    func(ds []cluster.Line) []cluster.Line { return append(ds, ds[0]) },
		"one early":    func(ds []cluster.Line) []cluster.Line { ds[1].At = at(1.9); return ds },
		"one late":     func(ds []cluster.Line) []cluster.Line { ds[1].Cleaned = at(2.6); return ds },
		"one deferred": func(ds []cluster.Line) []cluster.Line { ds[1].Deadline = at(2.1); return ds },
		"one left":     func(ds []cluster.Line) []cluster.Line { ds[1].Kind = "left"; return ds },
		"one unfreed":  func(ds []cluster.Line) []cluster.Line { ds[1].Freed = 0; return ds },
	} {
		require.Len(t, cluster.JudgeMass(breakIt(ds()), ids, at(0.5)), 1, name)
	}
	require.Len(t, cluster.JudgeMass(ds(), ids, at(2.5)), 1, "gone before the kill")
}

func TestBystanders(t *testing.T) {
	registrations := map[string]string{"peer-1": "4"}
	listed := map[string]bool{"peer-1": true}
	victim := cluster.Line{Host: "victim", Kind: "evicted"}
	other := cluster.Line{Host: "peer-1", Kind: "evicted"}
	require.Empty(t, cluster.JudgeBystanders([]cluster.Line{victim}, registrations, registrations, listed))
	require.Len(t, cluster.JudgeBystanders([]cluster.Line{victim, other}, registrations, registrations, listed), 1)
	require.Len(t, cluster.JudgeBystanders(nil, registrations, map[string]string{"peer-1": "5"}, listed), 1)
	require.Len(t, cluster.JudgeBystanders(nil, registrations, registrations, nil), 1)
}

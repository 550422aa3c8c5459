package cluster_test

import (
	"testing"

	"github.com/hostlife/hostlife/examples/internal/cluster"
	"github.com/stretchr/testify/require"
)

func TestChurn(t *testing.T) {
	registrations := func() []cluster.Member {
		return []cluster.Member{
			cluster.NewMember("a", "replaced", at(-5)), cluster.NewMember("a", "evicted", at(-1)),
			cluster.NewMember("b", "left", at(-5)), cluster.NewMember("c", "", at(-5)),
		}
	}
	ds := func() []cluster.Line {
		return []cluster.Line{
			{Host: "a", Kind: "replaced"},
			{Host: "b", Kind: "left", Freed: 1},
			{Host: "a", Kind: "evicted", LastContact: at(0), Deadline: at(2), At: at(2.001), Cleaned: at(2.002), Freed: 1},
		}
	}
	require.Empty(t, cluster.JudgeChurn(ds(), registrations()))
	for problem, breakIt := range map[string]func([]cluster.Line) []cluster.Line{
		"a: [replaced], not [replaced evicted]": func(ds []cluster.Line) []cluster.Line { return ds[:2] },
		"b: not at all, not [left]":             func(ds []cluster.Line) []cluster.Line { return append(ds[:1:1], ds[2]) },
		"b: [left left], not [left]":            func(ds []cluster.Line) []cluster.Line { return append(ds, ds[1]) },
		"c: [left], not []": func(ds []cluster.Line) []cluster.Line {
			return append(ds, cluster.Line{Host: "c", Kind: "left", Freed: 1})
		},
		"b: [replaced], not [left]":                        func(ds []cluster.Line) []cluster.Line { ds[1].Kind = "replaced"; return ds },
		"the peers of 1 were not freed":                    func(ds []cluster.Line) []cluster.Line { ds[2].Freed = 0; return ds },
		"1 were evicted too early":                         func(ds []cluster.Line) []cluster.Line { ds[2].At = at(1.9); return ds },
		"1 were not cleaned up 500.0 ms after":             func(ds []cluster.Line) []cluster.Line { ds[2].Cleaned = at(2.6); return ds },
		"1 were not cleaned up 500.0 ms after their deadl": func(ds []cluster.Line) []cluster.Line { ds[2].Deadline = at(2.1); return ds },
	} {
		problems := cluster.JudgeChurn(breakIt(ds()), registrations())
		require.Len(t, problems, 1, problem)
		require.Contains(t, problems[0], problem)
	}
}

// A host that comes back after the deadline of its previous registration is evicted; one that comes back
// sooner is not.
func TestChurnOfOneThatComesBackTooLate(t *testing.T) {
	ds := []cluster.Line{
		{Host: "a", Kind: "replaced", Deadline: at(1)},
		{Host: "a", Kind: "evicted", LastContact: at(0), Deadline: at(2), At: at(2.001), Cleaned: at(2.002), Freed: 1},
	}
	for joined, problems := range map[float64][]string{
		2.003: {},
		1.999: {"1 hosts departed in a wrong way, a: [replaced evicted], not [replaced replaced]"},
	} {
		registrations := []cluster.Member{
			cluster.NewMember("a", "replaced", at(-9)), cluster.NewMember("a", "replaced", at(0)), cluster.NewMember("a", "", at(joined)),
		}
		require.ElementsMatch(t, problems, cluster.JudgeChurn(ds, registrations))
	}
	gone := []cluster.Member{cluster.NewMember("a", "replaced", at(-9)), cluster.NewMember("a", "replaced", at(0))}
	require.Len(t, cluster.JudgeChurn(ds, gone), 1, "it did not come back")
}

func TestExactly(t *testing.T) {
	require.Empty(t, cluster.JudgeList(map[string]bool{"a": true, "b": true}, "a", "b"))
	require.Len(t, cluster.JudgeList(map[string]bool{"a": true}, "a", "b"), 1)
	require.Len(t, cluster.JudgeList(map[string]bool{"a": true, "b": true, "c": true}, "a", "b"), 1)
	require.Len(t, cluster.JudgeList(map[string]bool{"a": true, "c": true}, "a", "b"), 2)
	require.NotEmpty(t, cluster.JudgeList(nil, "a"))
}

package main

import (
	"context"
	"io"
	"slices"

	"github.com/hostlife/hostlife/benchmarks/internal/endtoend"
	"github.com/hostlife/hostlife/benchmarks/internal/lag"
	"github.com/hostlife/hostlife/benchmarks/internal/measure"
	"github.com/hostlife/hostlife/benchmarks/internal/report"
	"github.com/hostlife/hostlife/benchmarks/internal/shown"
)

// An extra is measured for hostlife only, once, and takes minutes.
type extra struct {
	names  []string // any of which asks for it
	about  string
	tables []report.Table
	run    func(ctx context.Context, n int, log io.Writer) ([]report.Row, error)
}

var extras = []extra{
	{
		names: []string{"lag", "run_cpu"},
		about: "how late a crashed host is evicted under Run while n send heartbeats, and what Run costs; two minutes",
		tables: []report.Table{
			{Measure: "lag_p50", About: "from a deadline to the end of the cleanup, under Run: the median"},
			{Measure: "lag_p99", About: "the same, the 99th percentile"},
			{Measure: "lag_max", About: "the same, the longest"},
			{Measure: "run_cpu", About: "processor time of Run"},
		},
		run: lag.Measure,
	},
	{
		names: []string{"grpc_beats"},
		about: "announces that the example scheduler takes over gRPC, in processes of their own; a minute",
		tables: []report.Table{
			{Measure: "grpc_beats", About: "announces that the example scheduler takes over loopback gRPC", More: true},
			{Measure: "grpc_registry_share", About: "the registry's share of the scheduler's processor time"},
		},
		run: func(ctx context.Context, _ int, log io.Writer) ([]report.Row, error) {
			return endtoend.Measure(ctx, log)
		},
	},
	{
		names: []string{"beat_shown", "scrape_cpu"},
		about: "what being observed costs, by Prometheus and on the live page; two minutes",
		tables: []report.Table{
			{Measure: "beat_shown", About: "a heartbeat of a random host, under Run, as a share of one without viewers"},
			{Measure: "scrape_cpu", About: "processor time of a scrape of all metrics"},
		},
		run: shown.Length{}.Measure,
	},
}

// askedFor picks the extras that go by one of the names.
func askedFor(names []string) (chosen []extra) {
	for _, x := range extras {
		if slices.ContainsFunc(x.names, func(n string) bool { return slices.Contains(names, n) }) {
			chosen = append(chosen, x)
		}
	}
	return chosen
}

// measureNames are all that -measure understands.
func measureNames() (names []string) {
	for _, m := range measure.All {
		names = append(names, m.Measure)
	}
	for _, x := range extras {
		names = append(names, x.names...)
	}
	return names
}

// tables are those of all measures, in the order in which they are shown.
func tables() (all []report.Table) {
	for _, m := range measure.All {
		all = append(all, m.Table)
	}
	for _, x := range extras {
		all = append(all, x.tables...)
	}
	return all
}

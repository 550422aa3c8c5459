package main

import (
	"context"
	"io"
	"slices"

	"github.com/hostlife/hostlife/benchmarks/internal/measure"
	"github.com/hostlife/hostlife/benchmarks/internal/report"
)

// An extra is measured for hostlife only, and takes minutes.
type extra struct {
	about  string
	tables []report.Table
	run    func(ctx context.Context, n int, log io.Writer) ([]report.Row, error)
}

var extras = []extra{}

func (x extra) has(measure string) bool {
	return slices.ContainsFunc(x.tables, func(t report.Table) bool { return t.Measure == measure })
}

// wanted leaves out what the extra measures by the way.
func (x extra) wanted(rows []report.Row, cfg config) []report.Row {
	return slices.DeleteFunc(rows, func(r report.Row) bool {
		return x.has(r.Measure) && !slices.Contains(cfg.options.Measures, r.Measure)
	})
}

// tables are those of all measures, in the order in which they are shown.
func tables() []report.Table {
	var all []report.Table
	for _, m := range measure.All {
		all = append(all, m.Table)
	}
	for _, x := range extras {
		all = append(all, x.tables...)
	}
	return all
}

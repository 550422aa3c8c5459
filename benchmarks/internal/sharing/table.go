package sharing

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/hostlife/hostlife/benchmarks/internal/report"
)

// Print writes the rows as a table. "others" are the processors that other processes took while the
// figure was measured, and "load" the load average then.
func Print(w io.Writer, rows []Row) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(tw, format, args...) }
	say("engine\tmeasure\t\tat most\tmeasured\t\tok\tothers\tload\n")
	for i := range rows {
		r := &rows[i]
		limit, ok := "", ""
		if r.Limit != nil {
			limit, ok = report.Figure(*r.Limit), "yes"
			if !r.OK {
				ok = "NO"
			}
		}
		say("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.2f\t%.1f\n",
			r.Engine, r.Measure, r.About, limit, report.Figure(r.Value), r.Unit, ok, r.Load.Others, r.Load.Average)
	}
	return tw.Flush()
}

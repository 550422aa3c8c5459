package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A Table is how the rows of one measure are shown.
type Table struct {
	Measure string
	About   string
	More    bool // more is better
	Notes   []string
}

// Print writes the measure's rows, best first, each with its ratio to hostlife.
func (t Table) Print(w io.Writer, rows []Row) error {
	mine := t.pick(rows)
	if len(mine) == 0 {
		return nil
	}
	better := "less is better"
	if t.More {
		better = "more is better"
	}
	out := &strings.Builder{}
	fmt.Fprintf(out, "\n%s: %s (%s; %s)\n", t.Measure, t.About, mine[0].Unit, better)
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, r := range mine {
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t\n", r.Peer, Figure(r.Value), r.Unit, ratio(r, mine))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, n := range t.Notes {
		fmt.Fprintf(out, "  %s\n", n)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (t Table) pick(rows []Row) []Row {
	var mine []Row
	for _, r := range rows {
		if r.Measure == t.Measure {
			mine = append(mine, r)
		}
	}
	slices.SortStableFunc(mine, func(a, b Row) int {
		switch {
		case a.Value == b.Value:
			return 0
		case (a.Value < b.Value) != t.More:
			return -1
		}
		return 1
	})
	return mine
}

// ratio says how many times hostlife's figure this one is.
func ratio(r Row, rows []Row) string {
	for _, h := range rows {
		if h.Peer == "hostlife" && h.Value != 0 {
			return "x " + Figure(r.Value/h.Value)
		}
	}
	return ""
}

// Figure is a number with three or more digits that mean something, and the thousands
// apart.
func Figure(v float64) string {
	decimals := 0
	for limit := 100.0; v != 0 && v < limit && v > -limit && decimals < 6; limit /= 10 {
		decimals++
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	whole, part, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if part != "" {
		return whole + "." + part
	}
	return whole
}

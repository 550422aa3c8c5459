package dragonfly_test

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

var rounds = flag.Int("table", 0, "the number of rounds for the table of README.md")

// TestTable prints the table of README.md. The managers take turns. A line has the median of each
// manager, and the median of the ratios of the rounds.
func TestTable(t *testing.T) {
	if *rounds == 0 {
		t.Skip("-table is not set")
	}
	for _, x := range measures {
		figures, ratios := [2][]float64{}, []float64{}
		for range *rounds {
			for i, m := range managers {
				figures[i] = append(figures[i], x.figure(t, m.open))
			}
			ratios = append(ratios, figures[1][len(ratios)]/figures[0][len(ratios)])
		}
		ratio := fmt.Sprintf("%.2g", median(ratios))
		if median(ratios) < 0.001 {
			ratio = "below 0.001"
		}
		fmt.Printf("| %s | %s | %s | %s |\n", x.name, show(median(figures[0]), x.unit), show(median(figures[1]), x.unit), ratio)
	}
}

func median(x []float64) float64 { return slices.Sorted(slices.Values(x))[len(x)/2] }

// show writes a figure with three digits.
func show(x float64, unit string) string {
	if unit == "ns" {
		for _, larger := range []string{"us", "ms"} {
			if x >= 10_000 {
				x, unit = x/1000, larger
			}
		}
	}
	digits := max(0, 2-int(math.Log10(max(x, 1))))
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", digits, x, unit))
}

package report

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	rows := []Row{
		{"evict", "syncmap", 500, "hosts/s"}, {"evict", "hostlife", 2_000_000, "hosts/s"}, {"other", "hostlife", 1, "s"},
	}
	var out strings.Builder
	if err := (Table{Measure: "evict", About: "a death", More: true}).Print(&out, rows); err != nil {
		t.Fatal(err)
	}
	want := `
evict: a death (hosts/s; more is better)
  hostlife  2,000,000  hosts/s      x 1.00
   syncmap        500  hosts/s  x 0.000250
`
	if out.String() != want {
		t.Errorf("got %s", out.String())
	}
}

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 12345678: "12,345,678", 999.6: "1,000", 123.4: "123", 45.678: "45.7", 1.5: "1.50", 0.01234: "0.0123", -1500: "-1,500",
	} {
		if got := Figure(v); got != want {
			t.Errorf("%v is shown as %s, not %s", v, got, want)
		}
	}
}

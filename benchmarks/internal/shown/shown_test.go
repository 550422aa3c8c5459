package shown_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/shown"
)

// TestMeasure runs all of it at a size that takes no time.
func TestMeasure(t *testing.T) {
	brief := shown.Length{Rounds: 1, Slice: 50 * time.Millisecond}
	rows, err := brief.Measure(context.Background(), 500, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Value <= 0 {
			t.Errorf("%s of %s is %v", r.Measure, r.Peer, r.Value)
		}
	}
	if len(rows) < 3 {
		t.Errorf("%d rows", len(rows))
	}
}

package shown

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"
)

// TestMeasure runs all of it at a size that takes no time.
func TestMeasure(t *testing.T) {
	brief := slices.Clone(comparisons)
	for i := range brief {
		brief[i].rounds, brief[i].slice = 1, 50*time.Millisecond
	}
	rows, err := measure(context.Background(), 500, brief, io.Discard)
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

package shown

import (
	"context"
	"io"
	"testing"
	"time"
)

// TestMeasure runs all of it at a size that takes no time.
func TestMeasure(t *testing.T) {
	rows, err := measure(context.Background(), 500, 1, 50*time.Millisecond, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Value <= 0 {
			t.Errorf("%s of %s is %v", r.Measure, r.Peer, r.Value)
		}
	}
	if len(rows) < len(ways) {
		t.Errorf("%d rows", len(rows))
	}
}

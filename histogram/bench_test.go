package histogram_test

import (
	"testing"
	"time"

	"github.com/hostlife/hostlife/histogram"
)

func BenchmarkRecord(b *testing.B) {
	b.Run("duration", func(b *testing.B) {
		b.ReportAllocs()
		var h histogram.Histogram[time.Duration]
		for d := time.Duration(0); b.Loop(); d += 1237 {
			h.Record(d)
		}
	})
	b.Run("ratio", func(b *testing.B) {
		b.ReportAllocs()
		var h histogram.Histogram[float64]
		for v := 0.0; b.Loop(); v += 0.00123 {
			h.Record(v)
		}
	})
}

func BenchmarkSnapshot(b *testing.B) {
	b.ReportAllocs()
	var h histogram.Histogram[time.Duration]
	for d := range 1000 {
		h.Record(time.Duration(d) * time.Millisecond)
	}
	for b.Loop() {
		h.Snapshot()
	}
}

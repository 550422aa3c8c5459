package recent_test

import (
	"testing"

	"github.com/hostlife/hostlife/hostmgr/internal/recent"
)

const scramble = 0x9e3779b97f4a7c15

// What each eviction of a mass eviction pays.
func BenchmarkAdd(b *testing.B) {
	var e recent.Evictions
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		e.Add(n*scramble, int64(n), 0)
		n++
	}
}

// What the first join after a mass eviction pays, and each further one.
func BenchmarkRejoined(b *testing.B) {
	fill := func() *recent.Evictions {
		e := new(recent.Evictions)
		for i := range uint64(most) {
			e.Add(i*scramble, 0, 0)
		}
		return e
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			e := fill()
			b.StartTimer()
			e.Rejoined(0, 0, 0)
		}
	})
	b.Run("next", func(b *testing.B) { // with the eviction
		e, n := fill(), uint64(most)
		for b.Loop() {
			e.Add(n*scramble, 0, 0)
			e.Rejoined(n*scramble, 0, 0)
			n++
		}
	})
	b.Run("none", func(b *testing.B) {
		var e recent.Evictions
		for b.Loop() {
			e.Rejoined(1, 0, 0)
		}
	})
}

// What each leave of a mass leave pays, and each join after it.
func BenchmarkFence(b *testing.B) {
	b.Run("end", func(b *testing.B) {
		var f recent.Fence
		n := uint64(0)
		for b.Loop() {
			f.End(n*scramble, 1, int64(n))
			n++
		}
	})
	b.Run("refuses", func(b *testing.B) {
		var f recent.Fence
		for n := range uint64(most) {
			f.End(n*scramble, 1, 0)
		}
		n := uint64(0)
		for b.Loop() {
			f.Refuses(n*scramble, 1, 0)
			n++
		}
	})
}

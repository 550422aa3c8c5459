package cleanup_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

// A mass departure: what an eviction pays for Add, and a Sweep for each cleanup.
func BenchmarkQueue(b *testing.B) {
	type departure struct{ id string }
	ids := make([]departure, 1<<18)
	for i := range ids {
		ids[i].id = strconv.Itoa(i)
	}
	fresh := func() *cleanup.Queue[*departure] {
		return cleanup.New(cleanup.Config[*departure]{
			Clean: func(context.Context, *departure, int) error { return nil },
			Clock: monotime.New(clock.System(), second, func() {}), Limit: 30 * second, Workers: 1,
			Replan: func() {}, Failed: func(*departure, int, error) {}, Done: func(*departure, int64) {},
		})
	}
	b.Run("Add", func(b *testing.B) {
		b.ReportAllocs()
		q := fresh()
		for i := range b.N {
			d := &ids[i%len(ids)]
			q.Add(work(d.id, d, 0), int64(i))
		}
	})
	b.Run("Sweep", func(b *testing.B) {
		b.ReportAllocs()
		q := fresh()
		for i := range b.N {
			d := &ids[i%len(ids)]
			q.Add(work(d.id, d, 0), 0)
		}
		b.ResetTimer()
		q.Sweep(b.Context(), func() {})
	})
}

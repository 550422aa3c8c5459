package monotime_test

import (
	"testing"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

// What each heartbeat pays for the time.
func BenchmarkNow(b *testing.B) {
	c := monotime.New(clock.System(), 0, func() {})
	b.ReportAllocs()
	for b.Loop() {
		c.Now()
	}
}

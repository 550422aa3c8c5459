package sim

import (
	"time"

	"github.com/hostlife/hostlife/clock"
)

// A moved is a clock that stands where the simulation moves it. Only the simulation's goroutine
// may use it.
type moved struct {
	start time.Time
	now   int64 // nanoseconds since start
}

var _ clock.Clock = (*moved)(nil)

func (m *moved) Now() time.Time { return m.start.Add(time.Duration(m.now)) }

// Since is what the registry asks for, nearly always with the time at which it was made.
func (m *moved) Since(t time.Time) time.Duration {
	if t.Equal(m.start) {
		return time.Duration(m.now)
	}
	return time.Duration(m.now) - t.Sub(m.start)
}

// After never fires: no goroutine waits in a simulation that is driven by hand.
func (m *moved) After(time.Duration) <-chan time.Time { return nil }

package history

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const supported = true

// Now reads CLOCK_MONOTONIC, in nanoseconds.
func Now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(fmt.Errorf("no CLOCK_MONOTONIC: %w", err)) // each Linux has it
	}
	return t.Nano()
}

// When converts a time of this process. It is exact for a reading with a monotonic part.
func When(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return Now() - int64(time.Since(t))
}

package hostmgr

import (
	"context"
	"time"

	"github.com/hostlife/hostlife/clock"
)

// isOthersFake reports whether a clock is a fake of another module, or embeds one. It looks for
// methods that no clock in production has.
//
// Run cannot tell a step of such a clock from a pause of the process: the clock does not wait until
// Run has swept, as clock.Mock does. So by default none of its gaps is a stall.
func isOthersFake(c clock.Clock) bool {
	switch c.(type) {
	case interface { // github.com/benbjohnson/clock
		Add(time.Duration)
		WaitForAllTimers() time.Time
	}:
		return true
	case interface { // github.com/jonboulle/clockwork
		Advance(time.Duration)
		BlockUntilContext(context.Context, int) error
	}:
		return true
	case interface { // k8s.io/utils/clock/testing
		Step(time.Duration)
		HasWaiters() bool
	}:
		return true
	}
	return false
}

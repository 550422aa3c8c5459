package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/calls"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

const (
	defaultConfirmTimeout = 10 * time.Second
	maxConfirmsLeftBehind = 8
)

// A limitedCall is told when its context has ended because of the limit, and when it is left
// behind.
type limitedCall interface {
	limitPassed()
	leftBehind()
}

// newConfirmCalls returns the calls of Confirm that are under way. Each begins with a limitedCall.
// No plan is needed: the goroutine that asks Confirm waits for the limits.
func newConfirmCalls(clock *monotime.Clock, limit time.Duration) *calls.Calls {
	return calls.New(calls.Config{
		Clock: clock, Limit: limit, MaxLeftBehind: maxConfirmsLeftBehind, Replan: func() {},
		TimedOut:   func(_ *calls.Place, what any) { what.(limitedCall).limitPassed() },
		LeftBehind: func(_ *calls.Place, what any) { what.(limitedCall).leftBehind() },
	})
}

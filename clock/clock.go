// Package clock is the time source of hostlife: a [Clock] tells the time and signals its passing.
// Most services need it only in tests, for a [Mock].
//
// [System] is the clock of package time; inside a testing/synctest bubble it is the bubble's.
// [Mock] is a clock that a test moves by hand. The fake clocks of github.com/benbjohnson/clock and
// github.com/jonboulle/clockwork implement Clock as they are.
package clock

import "time"

// A Clock tells the time and signals its passing. Its methods may be called concurrently.
//
// A Clock may also have a method Since(time.Time) time.Duration, as System and the fakes do. It is
// called where only elapsed time matters: Since of the system's clock takes half the time of Now.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
	// After returns a channel that receives the current time, once, when d has passed;
	// at once if d is zero or negative. The send never waits for a receiver.
	After(d time.Duration) <-chan time.Time
}

// System returns the clock of package time. It has no state and no goroutine of its own. An After
// without a receiver is collected as garbage, so a select may abandon one freely.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time                         { return time.Now() }
func (system) Since(t time.Time) time.Duration        { return time.Since(t) }
func (system) After(d time.Duration) <-chan time.Time { return time.After(d) }

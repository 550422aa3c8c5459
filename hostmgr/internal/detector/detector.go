// Package detector decides what the silence of a host means. It has the timeouts of hosts, the
// history of their contacts, the stalls of the registry, and the verdict that follows from them.
//
// It is pure arithmetic. It reads no clock, takes no lock, logs nothing, and knows neither hosts
// nor their ids. Time is an int64 of monotonic nanoseconds, from 0 to Never.
//
// Nothing here is safe for concurrent use by itself. A Timeouts never changes once it is in use, so
// it may be shared. The caller's locks guard everything else.
package detector

import "time"

const (
	// Never is later than any moment.
	Never = int64(1<<62 - 1)
	// MaxTimeout is the longest timeout, 36 years. So a sum of a time and a few timeouts fits into
	// an int64.
	MaxTimeout = 1 << 60
	// MinInterval is the shortest interval that a host may have.
	MinInterval = 10 * time.Millisecond
	// NeverInterval is the interval of a host that makes no contact: 36 years. It is not the
	// longest Duration, so sums with it do not overflow, and a conversion that saturates is not
	// taken for it. The timeouts of such a host are 0.
	NeverInterval time.Duration = 1 << 60
)

// A State says what the silence of a host means at one moment.
type State uint8

const (
	// StateAlive means that the silence is at most the host's interval.
	StateAlive State = iota + 1
	// StateLate means that a heartbeat is overdue, but no timeout has passed.
	StateLate
	// StateSuspect means that the first timeout has passed.
	StateSuspect
	// StateOffline means that the host is due for eviction.
	StateOffline
)

// expiry returns when a timeout that begins at t passes. A timeout of 0 never passes.
func expiry(t int64, timeout time.Duration) int64 {
	if timeout == 0 {
		return Never
	}
	return min(t+int64(timeout), Never)
}

package lag

import (
	"math/rand/v2"
	"slices"
	"time"
)

// timers notes, until it is stopped, how late this process's plain timers are: Run
// waits for such a one, and can't be earlier than it. On Linux Go's are late by up
// to a millisecond when the process is idle.
func timers() (stop func() lags) {
	end, ended := make(chan struct{}), make(chan lags)
	go func() {
		var late lags
		for {
			due := time.Now().Add(rand.N(20 * time.Millisecond))
			select {
			case <-time.After(time.Until(due)):
				late = append(late, time.Since(due))
			case <-end:
				slices.Sort(late)
				ended <- late
				return
			}
		}
	}()
	return func() lags {
		close(end)
		return <-ended
	}
}

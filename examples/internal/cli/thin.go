package cli

import (
	"sync"
	"time"
)

// quiet is the minimum time between two lines of one kind.
const quiet = 5 * time.Second

// A Thinner thins out log lines that many hosts may cause: one is due every 5 s at most.
type Thinner struct {
	mu     sync.Mutex // guards all below
	next   time.Time  // when a line is due again
	events int        // since the last line
}

// Due counts an event. If it is to be logged, Due returns the number of events since the last line.
// Otherwise it returns 0.
func (t *Thinner) Due(now time.Time) (events int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events++
	if now.Before(t.next) {
		return 0
	}
	events, t.events, t.next = t.events, 0, now.Add(quiet)
	return events
}

package share

import "sync"

// An inbox has what other goroutines report to the loop. What they report is bounded: each call
// reports once, and a feed waits until its frame has been taken.
type inbox struct {
	wake func() // called without the lock

	mu      sync.Mutex // guards all below
	reports []func()
	closed  bool
}

// put adds a report. After close it is dropped.
func (b *inbox) put(report func()) {
	b.mu.Lock()
	if !b.closed {
		b.reports = append(b.reports, report)
	}
	b.mu.Unlock()
	b.wake()
}

// take returns the reports so far, in order.
func (b *inbox) take() []func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.reports
	b.reports = nil
	return r
}

// set opens or closes the inbox, and drops what is in it.
func (b *inbox) set(closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reports, b.closed = nil, closed
}

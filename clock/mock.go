package clock

import (
	"context"
	"slices"
	"sync"
	"time"

	bclock "github.com/benbjohnson/clock"
)

// A Mock is a [Clock] that moves only when told to: benbjohnson's Mock, with an After that is safe
// to call while time moves, and with [Mock.BlockUntil], which makes a test with goroutines
// deterministic: wait until they are parked, then move the time.
//
//	_ = mock.BlockUntil(ctx, 1)
//	mock.Add(time.Second)
//
// Two things are different from benbjohnson's Mock, and both concern After.
//
// Its After runs the timers that are due before it returns. When Add is just about to tick such a
// timer, both do, and the second send blocks for ever with the mock's lock held. Here an After is
// kept outside benbjohnson's list of timers: nobody but the goroutine that moves the time fires it.
//
// Its AfterFunc, which has no such race, delivers in a goroutine of its own, so that Add may return
// before the signal is there. Here every channel that is due holds its time when Add returns.
//
// Timers, tickers and contexts (Timer, AfterFunc, Ticker, Tick, WithTimeout, WithDeadline) are
// benbjohnson's as they are. Time may be moved by one goroutine at a time; everything else may
// be called concurrently.
type Mock struct {
	*bclock.Mock

	mu      sync.Mutex    // guards the fields below; never held while waiting
	waiters []waiter      // in order of their deadlines
	arrival chan struct{} // closed, and replaced, when a waiter is added
}

// A waiter is an After whose time has not come.
type waiter struct {
	deadline time.Time
	c        chan time.Time // of capacity 1 and sent to once, so the send never blocks
}

// NewMock returns a Mock that stands at the Unix epoch.
func NewMock() *Mock {
	return &Mock{Mock: bclock.NewMock(), arrival: make(chan struct{})}
}

// After returns a channel that receives the time when the Mock has been moved by d; at once if d is
// zero or negative. An After that is abandoned counts as a waiter until its time comes.
func (m *Mock) After(d time.Duration) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	// Now is read under the lock: the time moves first and fires under the lock then, so a
	// deadline that was computed from the time before the move is seen by that firing.
	now, c := m.Now(), make(chan time.Time, 1)
	if d <= 0 {
		c <- now
		return c
	}
	m.park(waiter{now.Add(d), c})
	return c
}

// park adds w behind those that are due before it or with it. The caller holds m.mu.
func (m *Mock) park(w waiter) {
	i := len(m.waiters)
	for i > 0 && w.deadline.Before(m.waiters[i-1].deadline) {
		i--
	}
	m.waiters = slices.Insert(m.waiters, i, w)
	close(m.arrival)
	m.arrival = make(chan struct{})
}

// Sleep waits until the Mock has been moved by d.
func (m *Mock) Sleep(d time.Duration) { <-m.After(d) }

// BlockUntil waits until at least n waiters are parked: Afters whose time has not come. It returns
// ctx's error if that ends first. A waiter stops counting within the Add or Set that reaches its
// time, so a BlockUntil that follows waits for the goroutine to be parked anew.
func (m *Mock) BlockUntil(ctx context.Context, n int) error {
	for {
		parked, arrival := m.parked()
		if parked >= n {
			return nil
		}
		select {
		case <-arrival:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// parked returns the number of waiters, and a channel that is closed when there is one more.
func (m *Mock) parked() (int, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.waiters), m.arrival
}

// Add moves the time forward by d, as [Mock.Set] does.
func (m *Mock) Add(d time.Duration) { m.Set(m.Now().Add(d)) }

// Set moves the time to t, stopping at each deadline on the way, in order. A time in the past is
// gone to directly and fires nothing. A goroutine that is woken on the way and wants to be woken
// again on the way must be given the time to park: move to one deadline at a time, with a
// [Mock.BlockUntil] in between.
func (m *Mock) Set(t time.Time) {
	for next, ok := m.next(); ok && !next.After(t); next, ok = m.next() {
		m.move(next)
	}
	m.move(t)
}

// WaitForAllTimers moves the time until nothing waits for it any more, and returns it.
func (m *Mock) WaitForAllTimers() time.Time {
	// benbjohnson's goes to the last of its own timers, past ours: so ours come first, each with
	// those of benbjohnson's that are due before it.
	for next, ok := m.next(); ok; next, ok = m.next() {
		m.move(next)
	}
	return m.Mock.WaitForAllTimers()
}

// move runs benbjohnson's timers up to t, sets the time to t, and fires the waiters that are due.
func (m *Mock) move(t time.Time) {
	m.Mock.Set(t)
	for _, w := range m.due(t) {
		w.c <- t
	}
}

// next returns the earliest deadline of all waiters.
func (m *Mock) next() (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiters) == 0 {
		return time.Time{}, false
	}
	return m.waiters[0].deadline, true
}

// due removes and returns the waiters whose deadline is t or earlier.
func (m *Mock) due(t time.Time) []waiter {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for n < len(m.waiters) && !m.waiters[n].deadline.After(t) {
		n++
	}
	due := slices.Clone(m.waiters[:n])
	m.waiters = slices.Delete(m.waiters, 0, n)
	return due
}

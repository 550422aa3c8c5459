package clock

import (
	"context"
	"slices"
	"sync"
	"time"

	bclock "github.com/benbjohnson/clock"
)

// A Mock is a [Clock] that moves only when a test moves it. Make one with [NewMock].
//
// [Mock.BlockUntil] makes a test with goroutines deterministic: wait until they all wait for the
// Mock, then move the time.
//
//	_ = mock.BlockUntil(ctx, 1)
//	mock.Add(time.Second)
//
// Add and Set may be called by one goroutine at a time. The other methods are safe for concurrent
// use, even while the time moves.
//
// The time itself comes from a Mock of github.com/benbjohnson/clock. After does not, for two
// reasons:
//
//   - Its After runs the timers that are due before it returns. If Add is about to tick such a
//     timer, both tick it. The second send then blocks forever, with the lock of the mock held.
//     Here only the goroutine that moves the time fires an After.
//   - Its AfterFunc does not have that race, but it sends from another goroutine, so Add may return
//     before the signal arrives. Here each channel that is due holds its time when Add returns.
//
// There are no timers, tickers or contexts, because this module needs none. A service that needs
// them can use a benbjohnson Mock as its [Clock].
type Mock struct {
	now *bclock.Mock // has no timers, so it only tells the time

	mu      sync.Mutex    // guards the fields below; never held while waiting
	waiters []waiter      // in order of their deadlines
	arrival chan struct{} // closed, and replaced, when a waiter is added
}

// A waiter is an After whose deadline is ahead.
type waiter struct {
	deadline time.Time
	c        chan time.Time // of capacity 1 and sent to once, so the send never blocks
}

// NewMock returns a Mock whose time is the Unix epoch.
func NewMock() *Mock {
	return &Mock{now: bclock.NewMock(), arrival: make(chan struct{})}
}

// Now returns the time of the Mock.
func (m *Mock) Now() time.Time { return m.now.Now() }

// Since returns the time that has passed since t, at most 292 years in either direction.
func (m *Mock) Since(t time.Time) time.Duration { return m.now.Since(t) }

// After returns a channel that receives the time when the Mock has moved by d. If d is zero or
// negative, the channel holds the time already. An After that is abandoned counts as a waiter until
// its deadline.
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

// park adds w behind the waiters that have the same deadline or an earlier one. The caller holds
// m.mu.
func (m *Mock) park(w waiter) {
	i := len(m.waiters)
	for i > 0 && w.deadline.Before(m.waiters[i-1].deadline) {
		i--
	}
	m.waiters = slices.Insert(m.waiters, i, w)
	close(m.arrival)
	m.arrival = make(chan struct{})
}

// Sleep waits until the Mock has moved by d.
func (m *Mock) Sleep(d time.Duration) { <-m.After(d) }

// BlockUntil waits until at least n calls of After or Sleep wait for the Mock. It returns the error
// of ctx if ctx ends first. A waiter stops counting within the Add or Set that reaches its
// deadline, so a BlockUntil that follows waits until the goroutine waits again.
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

// parked returns the number of waiters, and a channel that is closed when one more is added.
func (m *Mock) parked() (int, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.waiters), m.arrival
}

// Add moves the time forward by d, as [Mock.Set] does.
func (m *Mock) Add(d time.Duration) { m.Set(m.Now().Add(d)) }

// Set moves the time to t. It stops at each deadline on the way, in order. A move into the past is
// direct and fires nothing. A goroutine that is woken on the way may call After again only when Set
// has passed its next deadline. To prevent that, move to one deadline at a time, with a
// [Mock.BlockUntil] in between.
func (m *Mock) Set(t time.Time) {
	for next, ok := m.next(); ok && !next.After(t); next, ok = m.next() {
		m.move(next)
	}
	m.move(t)
}

// move sets the time to t and fires the waiters that are due.
func (m *Mock) move(t time.Time) {
	m.now.Set(t)
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

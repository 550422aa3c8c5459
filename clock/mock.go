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
// There are two ways to move it:
//   - [Mock.Add] lets time pass. It stops at each deadline on the way, and goes on when each
//     [Waiter] that it woke waits again. So a registry under Run sweeps at each of its times.
//   - [Mock.Set] jumps, as if the process had been paused meanwhile. For a registry under Run, a
//     jump is a stall.
//
// The loops of this module wait with a Waiter. A test of other goroutines is deterministic with
// [Mock.BlockUntil]: wait until they all wait for the Mock, then move the time.
//
//	_ = mock.BlockUntil(ctx, 1)
//	mock.Add(time.Second)
//
// All methods are safe for concurrent use, even while the time moves. But only one goroutine at a
// time should move it: where two moves at once end depends on both.
//
// Between moves the time comes from a Mock of github.com/benbjohnson/clock. At the end of each move
// that also pauses for a millisecond of real time, so that other goroutines get on. Mock has an
// After of its own, for two reasons:
//
//   - The After of benbjohnson runs the timers that are due before it returns. If Add is about to
//     tick such a timer, both tick it. The second send then blocks forever, with the lock of the
//     mock held. Here only the goroutine that moves the time fires an After.
//   - Its AfterFunc does not have that race, but it sends from another goroutine, so Add may return
//     before the signal arrives. Here each channel that is due holds its time when Add returns.
//
// There are no timers, tickers or contexts, because this module needs none. A service that needs
// them can use a benbjohnson Mock as its [Clock].
type Mock struct {
	base *bclock.Mock // the time between moves; has no timers

	mu      sync.Mutex    // guards the fields below; never held while waiting
	moves   int           // moves that have not returned
	moving  time.Time     // the time during moves
	jumped  time.Time     // where the latest Set into the future ended
	pending []*pending    // in order of their deadlines
	arrival chan struct{} // closed, and replaced, when a pending After is added
	awake   []*Waiter     // that have started, and do not wait
	holds   []*held       // that have not been given up
	changed chan struct{} // closed, and replaced, when awake or holds loses an element
}

// A pending After is one whose deadline is ahead.
type pending struct {
	deadline time.Time
	c        chan time.Time // of capacity 1 and sent to once, so the send never blocks
	waiter   *Waiter        // that waits; nil for others
}

// NewMock returns a Mock whose time is the Unix epoch.
func NewMock() *Mock {
	return &Mock{base: bclock.NewMock(), arrival: make(chan struct{}), changed: make(chan struct{})}
}

// Now returns the time of the Mock.
func (m *Mock) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now()
}

// now is Now for a caller that holds m.mu.
func (m *Mock) now() time.Time {
	if m.moves > 0 {
		return m.moving
	}
	return m.base.Now()
}

// Since returns the time that has passed since t, at most 292 years in either direction.
func (m *Mock) Since(t time.Time) time.Duration { return m.Now().Sub(t) }

// After returns a channel that receives the time when the Mock has moved by d. If d is zero or
// negative, the channel holds the time already. An After that is abandoned is pending until its
// deadline.
func (m *Mock) After(d time.Duration) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.after(d, nil).c
}

// after is After for a caller that holds m.mu. waiter is what waits, or nil.
func (m *Mock) after(d time.Duration, waiter *Waiter) *pending {
	p := &pending{deadline: m.now().Add(d), c: make(chan time.Time, 1), waiter: waiter}
	if d <= 0 {
		p.c <- m.now()
		return p
	}
	i := len(m.pending)
	for i > 0 && p.deadline.Before(m.pending[i-1].deadline) {
		i--
	}
	m.pending = slices.Insert(m.pending, i, p)
	close(m.arrival)
	m.arrival = make(chan struct{})
	return p
}

// BlockUntil waits until at least n calls of After wait for the Mock. It returns the error of ctx
// if ctx ends first. A call stops counting within the Add or Set that reaches its deadline, so a
// BlockUntil that follows waits until the goroutine waits again.
func (m *Mock) BlockUntil(ctx context.Context, n int) error {
	for {
		waiting, arrival := m.waiting()
		if waiting >= n {
			return nil
		}
		select {
		case <-arrival:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waiting returns the number of pending Afters, and a channel that is closed when one more is
// added.
func (m *Mock) waiting() (int, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pending), m.arrival
}

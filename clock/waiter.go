package clock

import (
	"bytes"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// A Waiter waits on behalf of a loop, which works, waits for a [Clock] or a call of Wake, and works
// again. With a [Mock], the loop and the test take turns: while the loop works, the time stands
// still. With any other Clock, a Waiter only passes the calls on.
//
//	waiter.Start()
//	defer waiter.Stop()
//	for ctx.Err() == nil {
//		next := work()
//		select {
//		case <-ctx.Done():
//		case <-waiter.Woken():
//		case <-waiter.After(next):
//		}
//	}
//
// The work must not wait for the Mock to move, or for the goroutine that moves it. So it must not
// wait for callbacks: they run on other goroutines.
//
// Only one goroutine at a time may call Start, After and Stop. Wake may be called at any time, by
// any goroutine.
type Waiter struct {
	clock Clock
	mock  mover // nil for a clock that is no Mock
	woken chan struct{}

	// Guarded by the mutex of the Mock.
	started   bool
	goroutine uint64 // the number of the goroutine that called Start
	expected  *held
}

// A mover is a Mock, or a clock that embeds one.
type mover interface {
	expect(*Waiter)
	start(*Waiter)
	stop(*Waiter)
	park(*Waiter, time.Duration) <-chan time.Time
	wake(*Waiter)
	stepped(from time.Time) bool
}

// NewWaiter returns a Waiter for c that has not started.
func NewWaiter(c Clock) *Waiter {
	w := &Waiter{clock: c, woken: make(chan struct{}, 1)}
	if w.mock, _ = c.(mover); w.mock != nil {
		w.mock.expect(w)
	}
	return w
}

// Start begins the work of the loop. The goroutine of the loop calls it, because a move of a Mock
// does not wait for the Waiter of the goroutine that moves it.
func (w *Waiter) Start() {
	if w.mock != nil {
		w.mock.start(w)
	}
}

// Stop ends the work of the loop: it will not wait again before the next Start.
func (w *Waiter) Stop() {
	if w.mock != nil {
		w.mock.stop(w)
	}
}

// After returns the channel of Clock.After. From now on the loop counts as waiting, until this
// channel or that of Woken receives. With a Mock, the previous After is not pending any more.
func (w *Waiter) After(d time.Duration) <-chan time.Time {
	if w.mock != nil {
		return w.mock.park(w, d)
	}
	return w.clock.After(d)
}

// Wake makes the channel of Woken receive, once for all calls since it last received. It returns at
// once.
func (w *Waiter) Wake() {
	if w.mock != nil {
		w.mock.wake(w)
		return
	}
	w.notify()
}

// Woken returns the channel that receives after a Wake.
func (w *Waiter) Woken() <-chan struct{} { return w.woken }

func (w *Waiter) notify() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Stepped reports whether, since from, the time has passed only in steps of [Mock.Add] and
// [Mock.Advance]. It is false if a [Mock.Set] has jumped beyond from, and for a clock that is not a
// Mock.
func (w *Waiter) Stepped(from time.Time) bool { return w.mock != nil && w.mock.stepped(from) }

// expect holds the next move until w starts: its goroutine may have been started, and not have run
// yet.
func (m *Mock) expect(w *Waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.expected = &held{start: true}
	m.holds = append(m.holds, w.expected)
}

func (m *Mock) start(w *Waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.release(w.expected)
	w.started, w.goroutine = true, goroutine()
	m.rouse(w)
}

func (m *Mock) stop(w *Waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.withdraw(w)
	w.started = false
	m.letGo(w)
}

// park lets w wait for d, unless it was woken since Woken last received. Wake sends under m.mu too.
// So a Waiter that is not in m.awake does wait.
func (m *Mock) park(w *Waiter, d time.Duration) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.withdraw(w)
	p := m.after(d, w)
	if d > 0 && len(w.woken) == 0 {
		m.letGo(w)
	}
	return p.c
}

func (m *Mock) wake(w *Waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wakeHeld(w)
}

// wakeHeld is wake for a caller that holds m.mu.
func (m *Mock) wakeHeld(w *Waiter) {
	w.notify()
	if w.started {
		m.withdraw(w)
		m.rouse(w)
	}
}

// rouseAll wakes all Waiters that wait. The caller holds m.mu.
func (m *Mock) rouseAll() {
	for _, p := range slices.Clone(m.pending) {
		if p.waiter != nil {
			m.wakeHeld(p.waiter)
		}
	}
}

func (m *Mock) stepped(from time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.jumped.After(from)
}

// rouse makes w awake. w may be nil. The caller holds m.mu.
func (m *Mock) rouse(w *Waiter) {
	if w != nil && !slices.Contains(m.awake, w) {
		m.awake = append(m.awake, w)
	}
}

// letGo makes w wait, or stop. The caller holds m.mu.
func (m *Mock) letGo(w *Waiter) {
	if i := slices.Index(m.awake, w); i >= 0 {
		m.awake = slices.Delete(m.awake, i, i+1)
		m.announce()
	}
}

// announce makes each move look again. The caller holds m.mu.
func (m *Mock) announce() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// withdraw removes the pending After of w. The caller holds m.mu.
func (m *Mock) withdraw(w *Waiter) {
	m.pending = slices.DeleteFunc(m.pending, func(p *pending) bool { return p.waiter == w })
}

// goroutine returns the number of the current goroutine, from "goroutine 18 [running]:" in its
// stack trace, or a number that no goroutine has.
func goroutine() uint64 {
	var line [40]byte
	text := bytes.TrimPrefix(line[:runtime.Stack(line[:], false)], []byte("goroutine "))
	number, _, _ := bytes.Cut(text, []byte(" "))
	n, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return 1<<64 - 1
	}
	return n
}

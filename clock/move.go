package clock

import (
	"slices"
	"time"
)

// Add lets d pass. It stops at each deadline on the way, in order. At the beginning, after each
// deadline and at the end it waits
//   - until each [Waiter] that is awake waits again, or has stopped: so no Waiter wakes later than
//     it planned;
//   - for callbacks of the loops of this module, such as a Cleanup: see [Hold].
//
// A move into the past is direct and fires nothing. It wakes each Waiter that waits, as
// [Waiter.Wake] does, because its deadline is now too late.
//
// Add does not wait for a goroutine without a Waiter that it wakes on the way. Such a goroutine may
// call After again too late for its next deadline. To prevent that, move to one deadline at a time,
// with a [Mock.BlockUntil] in between.
func (m *Mock) Add(d time.Duration) {
	_ = m.add(d, &move{mock: m})
}

// Advance lets d pass like Add, but at each stop it waits for callbacks for up to limit, in real
// time. It returns false if a callback took longer: then the time has not reached the end. Such a
// callback may wait for the goroutine that calls Advance, or for the Mock.
func (m *Mock) Advance(d, limit time.Duration) (ok bool) {
	return m.add(d, &move{mock: m, limit: limit})
}

func (m *Mock) add(d time.Duration, v *move) (ok bool) {
	end, back := m.begin().Add(d), d < 0
	defer m.end()
	return v.run(func() (more bool) {
		switch next, ok := m.next(); {
		case back:
			back, m.moving = false, end
			m.rouseAll()
			return true
		case d < 0:
		case ok && !next.After(end):
			m.moving = next
			m.fire()
			return true
		case end.After(m.moving): // unless another move at the same time is ahead
			m.moving = end
		}
		return false
	})
}

// Set jumps to t, as if the process had been paused meanwhile. It stops nowhere on the way. Each
// After that is due receives t. Before and after the jump, Set waits as Add does. A move into the
// past fires nothing, and wakes each Waiter that waits.
func (m *Mock) Set(t time.Time) {
	begin, over := m.begin(), false
	defer m.end()
	v := &move{mock: m}
	_ = v.run(func() (more bool) {
		if over {
			return false
		}
		over, m.moving = true, t
		switch {
		case t.After(begin):
			m.jumped = t
		case t.Before(begin):
			m.rouseAll()
		}
		m.fire()
		return true
	})
}

// begin begins a move, and returns the time.
func (m *Mock) begin() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moving = m.now()
	m.moves++
	return m.moving
}

// end ends a move. It leaves the base at the time of the Mock: if two moves overlap, the last one
// to return does.
func (m *Mock) end() {
	for over := false; !over; {
		t := m.Now()
		m.base.Set(t)
		m.mu.Lock()
		if over = m.moves > 1 || m.moving.Equal(t); over {
			m.moves--
		}
		m.mu.Unlock()
	}
}

// next returns the earliest deadline. The caller holds m.mu.
func (m *Mock) next() (time.Time, bool) {
	if len(m.pending) == 0 {
		return time.Time{}, false
	}
	return m.pending[0].deadline, true
}

// fire fires each After that is due. The caller holds m.mu.
func (m *Mock) fire() {
	n := 0
	for n < len(m.pending) && !m.pending[n].deadline.After(m.moving) {
		m.pending[n].c <- m.moving
		m.rouse(m.pending[n].waiter)
		n++
	}
	m.pending = slices.Delete(m.pending, 0, n)
}

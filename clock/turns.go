package clock

import (
	"slices"
	"time"
)

// A move is one call of Add, Advance or Set.
type move struct {
	mock  *Mock
	limit time.Duration // for holds, in real time; 0: it gives them up
	own   uint64        // the number of its goroutine; 0: not looked up yet
}

// run calls step until it returns false, each time with the lock of the Mock held, while no Waiter
// is awake and nothing is held. It returns false if its limit was too short.
//
// It cannot deadlock with the loops of this module: a loop with an awake Waiter runs no callback,
// and waits for none. It runs the embedder's clock, which may wrap the Mock and move it. So a move
// does not wait for the Waiter of its own goroutine.
func (v *move) run(step func() (more bool)) (ok bool) {
	for {
		b, more := v.tryStep(step)
		switch {
		case b.changed == nil && !more:
			return true
		case b.changed == nil:
		case v.own == 0:
			v.own = goroutine()
		case !v.wait(b):
			return false
		}
	}
}

// A blockage is what a move waits for.
type blockage struct {
	changed <-chan struct{} // closed when part of the blockage is gone; nil if there is none
	holds   []*held         // nil if a Waiter is awake
}

// tryStep calls step unless there is a blockage.
func (v *move) tryStep(step func() (more bool)) (b blockage, more bool) {
	m := v.mock
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range m.awake {
		if v.own == 0 || w.goroutine != v.own {
			return blockage{changed: m.changed}, true
		}
	}
	if len(m.holds) > 0 {
		return blockage{m.changed, slices.Clone(m.holds)}, true
	}
	return blockage{}, step()
}

func (v *move) wait(b blockage) (ok bool) {
	switch {
	case b.holds == nil:
		<-b.changed
	case v.limit == 0 || onlyStarts(b.holds):
		if !settles(b.changed, milliseconds(b.holds)) {
			v.mock.giveUp(b.holds)
		}
	default:
		select {
		case <-b.changed:
		case <-System().After(v.limit):
			return false
		}
	}
	return true
}

// milliseconds returns how long a move waits for holds while other goroutines run. A Waiter may
// never start: a test that sweeps by hand has none that does.
func milliseconds(holds []*held) int {
	if onlyStarts(holds) {
		return 50
	}
	return 500
}

func onlyStarts(holds []*held) bool {
	return !slices.ContainsFunc(holds, func(h *held) bool { return !h.start })
}

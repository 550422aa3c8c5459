package model

import (
	"math/rand/v2"
	"time"
)

// A world is virtual time: a heap of events. One seed decides all that happens.
type world struct {
	now  time.Duration
	heap []event
	seq  uint64
	rand *rand.Rand
}

type event struct {
	at  time.Duration
	seq uint64 // events of one time happen in the order in which they were added
	do  func()
}

func newWorld(seed uint64) *world { return &world{rand: rand.New(rand.NewPCG(seed, 21))} }

func (e *event) before(f *event) bool { return e.at < f.at || e.at == f.at && e.seq < f.seq }

// at adds an event.
func (w *world) at(t time.Duration, do func()) {
	w.seq++
	w.heap = append(w.heap, event{max(t, w.now), w.seq, do})
	for i := len(w.heap) - 1; i > 0; {
		p := (i - 1) / 2
		if !w.heap[i].before(&w.heap[p]) {
			return
		}
		w.heap[i], w.heap[p] = w.heap[p], w.heap[i]
		i = p
	}
}

func (w *world) after(d time.Duration, do func()) { w.at(w.now+d, do) }

func (w *world) pop() event {
	top, n := w.heap[0], len(w.heap)-1
	w.heap[0] = w.heap[n]
	w.heap[n] = event{}
	w.heap = w.heap[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c+1 < n && w.heap[c+1].before(&w.heap[c]) {
			c++
		}
		if c >= n || !w.heap[c].before(&w.heap[i]) {
			return top
		}
		w.heap[i], w.heap[c] = w.heap[c], w.heap[i]
		i = c
	}
}

// run lets all events up to a time happen.
func (w *world) run(until time.Duration) {
	for len(w.heap) > 0 && w.heap[0].at <= until {
		e := w.pop()
		w.now = e.at
		e.do()
	}
	w.now = until
}

func (w *world) between(a, b time.Duration) time.Duration {
	return a + time.Duration(w.rand.Int64N(int64(b-a)+1))
}

func (w *world) chance(p float64) bool { return w.rand.Float64() < p }

// times is a random multiple of a duration.
func (w *world) times(d time.Duration, least, most float64) time.Duration {
	return time.Duration(float64(d) * (least + (most-least)*w.rand.Float64()))
}

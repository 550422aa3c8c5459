package hostmgr

import (
	"math"
	"sync/atomic"
)

// A word is when a host was last heard, or the stamp that its heartbeat was lent then
// (shifted left by one), whether a sweep has called it suspect (bit 0), and whether the
// life is over (the sign; the rest then stays as it was). It is all that a heartbeat
// writes.
//
// Because all of it is one word, a beat and a sweep can't miss each other: both
// compare-and-swap, so whoever comes second sees what the first did. A sweep
// that judged the host by an older beat fails to end the life; a beat that comes
// after the end is told so. That is promise 1, and it costs no lock. (A beat that finds
// its lent stamp there already need not swap: nobody who bears it is judged silent, see
// lender.)
//
// All access is atomic, save that of who fills in a slot that nobody can find yet: an
// atomic store waits until all stores before it are done, which a join, or a page
// that is rebuilt, can do without. (So v is not an atomic.Int64.)
type word struct{ v int64 }

const (
	suspectBit = 1
	overBit    = -1 << 63
	vacant     = math.MaxInt64 // the word of a slot that is free
)

func (w *word) load() int64 { return atomic.LoadInt64(&w.v) }

// there tells whether there is a life, and it is not over.
func (w *word) there() bool { return uint64(w.load()) < vacant }

func seenIn(v int64) int64 { return (v &^ overBit) >> 1 }

// first is the word of who was heard first, or vacant if nobody is there. There are as many
// slots as a page has: a multiple of four, which the processor compares at the same time.
func first(words []word) int64 {
	a, b, c, d := uint64(vacant), uint64(vacant), uint64(vacant), uint64(vacant)
	n := len(words) / 4
	w, x, y, z := words[:n], words[n:2*n], words[2*n:3*n], words[3*n:4*n]
	for i := range w {
		a = min(a, uint64(w[i].load()))
		b = min(b, uint64(x[i].load()))
		c = min(c, uint64(y[i].load()))
		d = min(d, uint64(z[i].load()))
	}
	return int64(min(a, b, c, d))
}

// beat notes a sign of life at t. It never steps back: a delayed older beat
// leaves a newer one alone. It returns the word that it took the place of, or would have,
// had nobody been quicker; there is false if the life is over. If the word was that of a
// suspect the caller must reconsider the host.
func (w *word) beat(t int64) (was int64, there bool) {
	for {
		old := w.load()
		switch {
		case old < 0:
			return 0, false
		case seenIn(old) >= t:
			return t << 1, true
		case atomic.CompareAndSwapInt64(&w.v, old, t<<1):
			return old, true
		}
	}
}

// plainBeat is beat for a life that is there, not suspect, and that nobody else writes
// to right now. Otherwise it does nothing, and returns false.
func (w *word) plainBeat(t int64) bool {
	old := w.load()
	return old >= 0 && old&suspectBit == 0 && (old >= t<<1 || atomic.CompareAndSwapInt64(&w.v, old, t<<1))
}

// suspect sets the bit that makes the next beat ask to be reconsidered, unless
// the host was heard since v was read.
func (w *word) suspect(v int64) bool { return atomic.CompareAndSwapInt64(&w.v, v, v|suspectBit) }

// trust takes the bit back, unless the host was heard since v was read.
func (w *word) trust(v int64) bool {
	return v&suspectBit == 0 || atomic.CompareAndSwapInt64(&w.v, v, v&^suspectBit)
}

// evict ends the life, unless the host was heard since v was read.
func (w *word) evict(v int64) bool { return atomic.CompareAndSwapInt64(&w.v, v, v|overBit) }

// end ends the life, whatever is heard, and returns when it was heard last.
func (w *word) end() (seen int64) { return seenIn(atomic.OrInt64(&w.v, overBit)) }

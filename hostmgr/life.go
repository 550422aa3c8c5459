package hostmgr

import "sync/atomic"

// A life is one join of a host, until its one departure.
type life[M any] struct {
	id          string
	number      uint64
	incarnation uint64
	joined      int64
	word        word
	terms       atomic.Pointer[terms] // replaced under Registry.mu, read without

	// Guarded by Registry.mu.
	metadata M
	zone     *zone
	position int  // in the roster
	suspect  bool // what watchers were told last
}

// A word is all that a heartbeat touches: when the host was last heard (shifted
// left by one), whether a sweep has called it suspect (bit 0), and whether the
// life is over (the sign; the rest then stays as it was).
//
// Because all of it is one word, a beat and a sweep can't miss each other: both
// compare-and-swap, so whoever comes second sees what the first did. A sweep
// that judged the host by an older beat fails to end the life; a beat that comes
// after the end is told so. That is promise 1, and it costs no lock.
type word struct{ v atomic.Int64 }

const (
	suspectBit = 1
	overBit    = -1 << 63
)

func (w *word) set(seen int64) { w.v.Store(seen << 1) }

func seenIn(v int64) int64 { return (v &^ overBit) >> 1 }

// beat notes a sign of life at t. It never steps back: a delayed older beat
// leaves a newer one alone. wasSuspect asks the caller to reconsider the host;
// there is false if the life is over.
func (w *word) beat(t int64) (wasSuspect, there bool) {
	for {
		old := w.v.Load()
		switch {
		case old < 0:
			return false, false
		case seenIn(old) >= t:
			return false, true
		case w.v.CompareAndSwap(old, t<<1):
			return old&suspectBit != 0, true
		}
	}
}

// suspect sets the bit that makes the next beat ask to be reconsidered, unless
// the host was heard since v was read.
func (w *word) suspect(v int64) bool { return w.v.CompareAndSwap(v, v|suspectBit) }

// evict ends the life, unless the host was heard since v was read.
func (w *word) evict(v int64) bool { return w.v.CompareAndSwap(v, v|overBit) }

// end ends the life, whatever is heard.
func (w *word) end() { w.v.Or(overBit) }

package index

import (
	"math"
	"sync/atomic"
)

// A contactWord is all that a heartbeat writes. It has the time of the last contact (see wordOf),
// whether a sweep has marked the host as suspect (bit 0), and whether the registration has
// ended (the sign; the other bits then keep their last value).
//
// Because all of it is one word, a heartbeat and an eviction cannot miss each other. Both
// compare-and-swap, so the second one sees what the first one did. An eviction that is based on an
// older contact fails. A heartbeat after the end is told so. This is promise 1, and it costs no
// lock.
//
// All access is atomic, with one exception: plain stores fill in a slot that cannot be found yet.
// An atomic store waits for all stores before it, and an insertion or a rebuild need not wait. So v
// is not an atomic.Int64.
type contactWord struct{ v int64 }

const (
	suspectBit = 1
	endedBit   = -1 << 63
	vacant     = math.MaxInt64 // the word of a free slot

	// Earliest is the earliest contact, 9 years before time 0. Earlier contacts count as this, and
	// so does none at all. The latest time leaves room for it: see monotime.Last.
	Earliest = -1 << 58
)

// wordOf returns the word of a host that is not suspect, with its last contact at a time from
// Earliest on.
func wordOf(at int64) int64 { return (at - Earliest) << 1 }

// ContactOf returns the time of the last contact in a word of Entry.Word.
func ContactOf(word int64) int64 { return (word&^endedBit)>>1 + Earliest }

// IsSuspect reports whether a word of Entry.Word is marked as suspect.
func IsSuspect(word int64) bool { return word&suspectBit != 0 }

// WithSuspect returns the word that Entry.MarkSuspect makes of a word.
func WithSuspect(word int64) int64 { return word | suspectBit }

func (w *contactWord) load() int64 { return atomic.LoadInt64(&w.v) }

// live reports whether there is a registration that has not ended.
func (w *contactWord) live() bool { return uint64(w.load()) < vacant }

// touch records a contact at a time. The word never steps back: a delayed older heartbeat does not
// change it. touch returns the word from before, or for an older heartbeat the word that it would
// have written. If that word is marked as suspect, the caller must assess the host again. live is
// false if the registration has ended.
func (w *contactWord) touch(at int64) (was int64, live bool) {
	heard := wordOf(max(at, Earliest))
	for {
		old := w.load()
		switch {
		case old < 0:
			return 0, false
		case old&^suspectBit >= heard:
			return heard, true
		case atomic.CompareAndSwapInt64(&w.v, old, heard):
			return old, true
		}
	}
}

// tryTouch is touch for the common case: the registration is live, not suspect, and no other
// heartbeat writes right now. Otherwise it changes nothing, and returns false. The word of a free
// slot has the suspect bit.
//
// A word that is at least as new needs no swap. The registration was live when the word was read,
// and an eviction counts from a contact that is not older than this one.
func (w *contactWord) tryTouch(at int64) bool {
	old, heard := w.load(), wordOf(at)
	return old >= 0 && old&suspectBit == 0 && (old >= heard || atomic.CompareAndSwapInt64(&w.v, old, heard))
}

// markSuspect sets the suspect bit, unless there was a contact since v was read.
func (w *contactWord) markSuspect(v int64) bool {
	return atomic.CompareAndSwapInt64(&w.v, v, v|suspectBit)
}

// clearSuspect clears the suspect bit, unless there was a contact since v was read.
func (w *contactWord) clearSuspect(v int64) bool {
	return v&suspectBit == 0 || atomic.CompareAndSwapInt64(&w.v, v, v&^suspectBit)
}

// evict ends the registration, unless there was a contact since v was read.
func (w *contactWord) evict(v int64) bool { return atomic.CompareAndSwapInt64(&w.v, v, v|endedBit) }

// end ends the registration, and returns the last contact.
func (w *contactWord) end() (contact int64) { return ContactOf(atomic.OrInt64(&w.v, endedBit)) }

// firstWord returns the lowest word of a live registration, or vacant. The number of words is a
// multiple of four. The four chains of comparisons do not depend on each other, so the processor
// works on all of them at once.
func firstWord(words []contactWord) int64 {
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

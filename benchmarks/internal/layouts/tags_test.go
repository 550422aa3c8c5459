package layouts

import (
	"math/bits"
	"sync/atomic"
)

// tags are seven bits of the hash of each of eight ids, compared all at once. The
// highest bit of each byte tells that it is taken.
type tags struct{ v atomic.Uint64 }

const (
	tagSlots = 8
	lowest   = 0x0101010101010101
	highest  = lowest << 7
)

func tag(h uint64) uint64 { return 0x80 | h&0x7f }

// like has a bit set for each slot that may be that of h; first tells which is the
// first of them. full is false if h, not being among them, is nowhere.
func (t *tags) like(h uint64) (slots uint64, full bool) {
	v := t.v.Load()
	differ := v ^ lowest*tag(h)
	return (differ - lowest) &^ differ & highest, v&highest == highest
}

func (t *tags) free() (slots uint64) { return ^t.v.Load() & highest }

func first(slots uint64) int { return bits.TrailingZeros64(slots) / 8 }

func (t *tags) take(slot int, h uint64) { t.v.Store(t.v.Load() | tag(h)<<(8*slot)) }

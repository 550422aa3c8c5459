package layouts

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
)

// flat is one table of all hosts, which is never even half full: the hash leads
// straight to the slot, whose two cache lines have all there is, so that a heartbeat waits
// once. It pays with a quarter to half a kilobyte for each host. And a table that is
// full would move all hosts at once; this one knows the number of hosts in advance.
type flat struct {
	seed  maphash.Seed
	slots []flatSlot // a power of two
}

type flatSlot struct {
	word atomic.Uint64 // 48 bits of time (3 days), above it 16 of the hash; 0: free
	record
	_ [24]byte // up to two cache lines
}

const flatTime = 1<<48 - 1

func newFlat(hosts int) *flat {
	return &flat{seed: maphash.MakeSeed(), slots: make([]flatSlot, 1<<bits.Len(uint(2*hosts)))}
}

func (f *flat) next(i uint64) uint64 { return (i + 1) & uint64(len(f.slots)-1) }

func (f *flat) Add(id string, l lease) {
	h := maphash.String(f.seed, id)
	i := f.next(h >> 16)
	for f.slots[i].word.Load() != 0 {
		i = f.next(i)
	}
	f.slots[i].record = record{newName(id), l}
	f.slots[i].word.Store(h<<48 | 1)
}

func (f *flat) Heartbeat(id string, t int64) (lease, bool) {
	h := maphash.String(f.seed, id)
	for i := f.next(h >> 16); ; i = f.next(i) {
		s := &f.slots[i]
		old := s.word.Load()
		if old == 0 {
			return lease{}, false
		}
		if old>>48 != h&(1<<16-1) || !s.is(id) {
			continue
		}
		l := s.lease
		for ; int64(old&flatTime) < t; old = s.word.Load() {
			if s.word.CompareAndSwap(old, h<<48|uint64(t)&flatTime) {
				break
			}
		}
		return l, true
	}
}

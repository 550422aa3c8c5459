package index

import (
	"math/bits"
	"math/rand/v2"
	"runtime"
	"unsafe"
)

// Pick appends up to k entries that are drawn at random, independently of each other, each as
// likely as any other (to within 2^-32). It draws a bucket and then a slot, from as many slots as
// the largest bucket has. A draw counts for nothing if the bucket lacks the slot, or the slot is
// free. So Pick may draw fewer than k entries, even if there are more. It needs the lock, at least
// for reading.
func (x *Index) Pick(to []Entry, k int) []Entry {
	slots := x.mostSlots()
	if len(x.deadlines) == 1 {
		slots = len(x.deadlines[0].bucket.words)
	}
	for tries := 2*k + 8; tries > 0 && k > 0; {
		n := min(tries, 2*k, pickedAtOnce)
		tries -= n
		before := len(to)
		to = x.pick(to, n, slots, k)
		k -= len(to) - before
	}
	return to
}

// pickedAtOnce is the number of words that pick fetches from memory at the same time.
const pickedAtOnce = 16

// pick makes n draws, and appends at most k entries. It loads all words before it looks at any.
func (x *Index) pick(to []Entry, n, slots, k int) []Entry {
	var drawn [pickedAtOnce]Entry
	var words [pickedAtOnce]int64
	for i := range n {
		at, rest := bits.Mul64(rand.Uint64(), uint64(len(x.deadlines)))
		slot, _ := bits.Mul64(rest, uint64(slots))
		b := x.deadlines[at].bucket
		drawn[i], words[i] = Entry{b, int(slot)}, vacant
		if int(slot) < len(b.words) {
			words[i] = b.words[slot].load()
		}
	}
	for i := range n {
		if k > 0 && uint64(words[i]) < vacant {
			to = append(to, drawn[i])
			k--
		}
	}
	return to
}

// Fetch loads from the header, the record and the value of each entry, which the caller is about to
// read. So the memory arrives at the same time: the code between two snapshots is too long for a
// processor to look ahead. Fetch returns the total length of the ids of the entries, in bytes. It
// needs the lock, at least for reading.
func (x *Index) Fetch(entries []Entry) (idBytes int) {
	var fetched uint64
	for _, e := range entries {
		b, i := e.place()
		r := &b.records[i]
		fetched += uint64(r.id[0]) + uint64(r.joined[0]) + uint64(*(*uint8)(unsafe.Add(b.values, uintptr(i)*x.values.Size)))
		idBytes += int(r.size)
	}
	runtime.KeepAlive(fetched) // so that the compiler does not leave out the loads
	return idBytes
}

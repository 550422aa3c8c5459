// Package recent remembers what has ended a short time ago. Evictions has the hosts that were evicted
// within the last 5 minutes, to tell which of them come back. Flapping counts how often each of them
// did so lately. Fence has the incarnations that ended and must not come back.
//
// It knows hosts by the hashes of their ids. It does not read a clock. The argument now is in
// nanoseconds, is not negative, and must not decrease from call to call.
//
// Nothing here is safe for concurrent use.
package recent

import "time"

const (
	window    = int64(5 * time.Minute)
	minRing   = 16 // powers of two
	maxRing   = 1 << 15
	maxExpire = 1 << 12
	rejoined  = -1 // the time of an eviction whose host came back
)

// Evictions remembers the evictions of the last 5 minutes, at most the latest 32,768. The zero
// value is empty and ready to use. The memory is at most 2 MB, and none when all evictions are
// forgotten.
//
// An eviction is appended to a ring and not yet to the map. The first join afterwards adds the new
// evictions in the ring to the map. So a mass eviction without joins pays for no map insert.
type Evictions struct {
	ring    []eviction        // number n, from first to before next, is at n % len(ring)
	shadows []int64           // likewise the shadowAt; nil while all are 0
	numbers map[uint64]uint64 // by hash: the numbers before indexed
	count   int               // evictions of hosts that have not rejoined

	first, indexed, next uint64
}

// An eviction is small because a mass eviction writes one for each host.
type eviction struct {
	hash uint64
	at   int64
}

// Add remembers an eviction. shadowAt is the time at which the second policy evicts the host;
// Rejoined, Add and Expire return it. If there is no room, Add forgets the oldest eviction and
// returns its shadowAt. ok is false if nothing was forgotten, or if the host of the forgotten
// eviction has rejoined.
func (e *Evictions) Add(hash uint64, now, shadowAt int64) (forgotten int64, ok bool) {
	if e.next-e.first == uint64(len(e.ring)) {
		forgotten, ok = e.makeRoom()
	}
	*e.get(e.next) = eviction{hash, now}
	if shadowAt != 0 || e.shadows != nil {
		e.setShadow(e.next, shadowAt)
	}
	e.next++
	e.count++
	return forgotten, ok
}

// Rejoined forgets an eviction because its host joins again, with a contact that is not before the
// eviction. It returns the time of the eviction and its shadowAt; ok is false if there was no such
// eviction within the 5 minutes before now. Of two evictions with the same hash only the later one
// can be found.
func (e *Evictions) Rejoined(hash uint64, contact, now int64) (at, shadowAt int64, ok bool) {
	if e.count == 0 {
		return 0, 0, false
	}
	e.index()
	n, ok := e.numbers[hash]
	if !ok || e.expired(n, now) || contact < e.get(n).at {
		return 0, 0, false
	}
	v := e.get(n)
	at, shadowAt = v.at, e.shadow(n)
	v.at = rejoined
	delete(e.numbers, hash)
	e.count--
	return at, shadowAt, true
}

// Expire forgets the evictions that are more than 5 minutes old. It calls forgotten, which may be
// nil, with the shadowAt of each eviction, except those of hosts that have rejoined. forgotten must
// not use e.
//
// The caller holds a lock, so Expire takes no longer than for 4096 evictions, and leaves more of
// them to the next call. It forgets all at once if it may.
func (e *Evictions) Expire(now int64, forgotten func(shadowAt int64)) {
	if forgotten == nil && e.allOld(now) {
		*e = Evictions{}
		return
	}
	for n := 0; n < maxExpire && e.first < e.next && e.expired(e.first, now); n++ {
		if shadowAt, ok := e.drop(); ok && forgotten != nil {
			forgotten(shadowAt)
		}
	}
	if e.first == e.next {
		*e = Evictions{}
	}
}

// Len returns the number of remembered evictions of hosts that have not rejoined.
func (e *Evictions) Len() int { return e.count }

func (e *Evictions) get(n uint64) *eviction { return &e.ring[n&uint64(len(e.ring)-1)] }

// shadow returns the shadowAt of an eviction.
func (e *Evictions) shadow(n uint64) int64 {
	if e.shadows == nil {
		return 0
	}
	return e.shadows[n&uint64(len(e.shadows)-1)]
}

func (e *Evictions) setShadow(n uint64, shadowAt int64) {
	if e.shadows == nil {
		e.shadows = make([]int64, len(e.ring))
	}
	e.shadows[n&uint64(len(e.shadows)-1)] = shadowAt
}

// expired reports whether an eviction can be forgotten, because of its age or because its host has
// rejoined.
func (e *Evictions) expired(n uint64, now int64) bool {
	at := e.get(n).at
	return at == rejoined || now-at > window
}

// allOld reports whether the latest eviction is more than 5 minutes old. It does not know if the
// host of that one has rejoined.
func (e *Evictions) allOld(now int64) bool {
	if e.first == e.next {
		return false
	}
	at := e.get(e.next - 1).at
	return at != rejoined && now-at > window
}

// index adds the evictions since the last call to the map.
func (e *Evictions) index() {
	e.indexed = max(e.indexed, e.first)
	if e.numbers == nil {
		e.numbers = make(map[uint64]uint64, e.next-e.indexed)
	}
	for ; e.indexed < e.next; e.indexed++ {
		e.numbers[e.get(e.indexed).hash] = e.indexed
	}
}

func (e *Evictions) makeRoom() (forgotten int64, ok bool) {
	if len(e.ring) == maxRing {
		return e.drop()
	}
	old := *e
	e.ring, e.shadows = make([]eviction, min(maxRing, max(minRing, 4*len(old.ring)))), nil
	for n := e.first; n < e.next; n++ {
		*e.get(n) = *old.get(n)
		if old.shadows != nil {
			e.setShadow(n, old.shadow(n))
		}
	}
	return 0, false
}

// drop forgets the oldest eviction; ok is false if its host has rejoined.
func (e *Evictions) drop() (shadowAt int64, ok bool) {
	v := e.get(e.first)
	e.first++
	if v.at == rejoined {
		return 0, false
	}
	e.count--
	e.unindex(v.hash, e.first-1)
	return e.shadow(e.first - 1), true
}

// unindex removes the number n from the map, unless the hash has a later one.
func (e *Evictions) unindex(hash, n uint64) {
	if n < e.indexed && e.numbers[hash] == n {
		delete(e.numbers, hash)
	}
}

package recent

// ends remembers the ends of the last 5 minutes, at most the latest 32,768.
//
// They are in a ring, by their time. The ends whose hashes have the same trailing bits form a
// chain, from the latest to the oldest. So nothing has to be removed from an index when an end is
// forgotten: a chain ends at the first number that is out of the ring.
//
// An end is appended to the ring and not yet to a chain: that may wait for memory, and a mass leave
// would pay for it. The next look-up does it, for at most 32,768 ends.
type ends struct {
	ring   []end    // number n, from first to before next, is at n % len(ring)
	chains []uint64 // by the trailing bits of the hash: the number of the latest end, plus 1

	first, indexed, next uint64 // the numbers before indexed are in chains
}

// An end is the end of an incarnation.
type end struct {
	hash        uint64
	incarnation uint64 // 0 if one that is as new was remembered already
	at          int64
	older       uint64 // the number of the next end in the chain, plus 1
}

// latest returns the latest incarnation of an id that has ended, or 0.
func (e *ends) latest(hash uint64, now int64) uint64 {
	if e.first == e.next {
		return 0
	}
	for e.indexed = max(e.indexed, e.first); e.indexed < e.next; e.indexed++ {
		e.link(e.indexed)
	}
	return e.find(hash, now)
}

// find is latest among the ends that are in chains.
func (e *ends) find(hash uint64, now int64) uint64 {
	for n := *e.chain(hash); n > e.first; n = e.get(n - 1).older {
		if v := e.get(n - 1); v.hash == hash {
			if now-v.at > window {
				return 0
			}
			return v.incarnation
		}
	}
	return 0
}

func (e *ends) add(hash, incarnation uint64, now int64) {
	if e.next-e.first == uint64(len(e.ring)) {
		e.makeRoom()
	}
	*e.get(e.next) = end{hash: hash, incarnation: incarnation, at: now}
	e.next++
}

// link adds an end to its chain, unless the latest one of its id was as new. So the first end of an
// id in a chain has the greatest incarnation.
func (e *ends) link(n uint64) {
	v := e.get(n)
	if v.incarnation <= e.find(v.hash, v.at) {
		v.incarnation = 0
		return
	}
	chain := e.chain(v.hash)
	v.older, *chain = *chain, n+1
}

// expire forgets the ends that are more than 5 minutes old, at most 4096 of them, or all at once.
func (e *ends) expire(now int64) {
	if e.first == e.next {
		return
	}
	if now-e.get(e.next-1).at > window {
		*e = ends{}
		return
	}
	for n := 0; n < maxExpire && now-e.get(e.first).at > window; n++ {
		e.first++
	}
}

func (e *ends) get(n uint64) *end { return &e.ring[n&uint64(len(e.ring)-1)] }

func (e *ends) chain(hash uint64) *uint64 { return &e.chains[hash&uint64(len(e.chains)-1)] }

// makeRoom makes the ring larger, or forgets the oldest end.
func (e *ends) makeRoom() {
	if len(e.ring) == maxRing {
		e.first++
		return
	}
	old, size := *e, min(maxRing, max(minRing, 4*len(e.ring)))
	*e = ends{make([]end, size), make([]uint64, size), old.first, old.first, old.next}
	for n := old.first; n < old.next; n++ {
		*e.get(n) = *old.get(n)
	}
}

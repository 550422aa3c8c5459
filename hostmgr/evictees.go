package hostmgr

import "time"

const (
	returnWindow = 5 * time.Minute // within which a join is the return of one who was evicted
	evicteeWays  = 8               // places that one hash may be in: a cache line
	maxEvictees  = 1 << 16
)

// evictees remember who was evicted lately, to tell who returns: in a log of those that came
// since anybody joined, which is all that an eviction pays for, and in a set-associative table,
// which is what a join looks in: the first one after evictions moves the log into it. Each has
// room for 65,536 at most, half a megabyte, and both are thrown away when nobody was evicted
// within the window. The zero value is empty.
type evictees struct {
	log   []evictee
	logs  int       // that were ever written to it
	table []evictee // a power of two, or none
	taken int       // of the table, about
	last  int64     // when the latest was evicted, in seconds
}

// An evictee is half of a hash, and the second of its eviction, plus 1; 0: none.
type evictee uint64

func newEvictee(h hash, second int64) evictee {
	return evictee(uint64(h)&^(1<<32-1) | uint64(uint32(second+1)))
}

func (e evictee) second() uint32 { return uint32(e) }

func (v *evictees) add(h hash, now int64) {
	v.last = now / int64(time.Second)
	e := newEvictee(h, v.last)
	if len(v.log) < maxEvictees {
		v.log = append(v.log, e)
	} else {
		v.log[v.logs%maxEvictees] = e
	}
	v.logs++
}

// file moves the log into the table, which takes a millisecond or two if it is full.
func (v *evictees) file() {
	v.makeRoom(min(maxEvictees, 2*(v.taken+len(v.log))))
	for _, e := range v.log {
		v.put(e)
	}
	v.log, v.logs = nil, 0
}

// set is the places of the table that e may be in. Its own bits say so, so that it can grow.
func (v *evictees) set(e evictee) []evictee {
	i := int(e>>32) & (len(v.table) - evicteeWays)
	return v.table[i : i+evicteeWays]
}

// put takes the place of the oldest, unless that is newer: the log may be full, and begin
// anywhere.
func (v *evictees) put(e evictee) {
	set := v.set(e)
	oldest := uint64(1 << 63)
	for i, o := range set { // without branches: they could not be predicted
		oldest = min(oldest, uint64(o.second())<<3|uint64(i))
	}
	if oldest>>3 <= uint64(e.second()) {
		set[oldest%evicteeWays] = e
		v.taken++
	}
}

// makeRoom has the table be of at least so many places.
func (v *evictees) makeRoom(places int) {
	size := evicteeWays
	for size < places {
		size *= 2
	}
	if size <= len(v.table) {
		return
	}
	old := v.table
	v.table, v.taken = make([]evictee, size), 0
	for _, e := range old {
		if e != 0 {
			v.put(e)
		}
	}
}

// returned tells whether h was evicted lately, how many seconds ago, and forgets it.
func (v *evictees) returned(h hash, now int64) (ago int64, ok bool) {
	if len(v.log) > 0 {
		v.file()
	}
	if v.table == nil {
		return 0, false
	}
	second := now / int64(time.Second)
	e := newEvictee(h, second)
	set := v.set(e)
	for i, o := range set {
		ago := uint32(second+1) - o.second()
		if o != 0 && o>>32 == e>>32 && ago <= uint32(returnWindow/time.Second) {
			set[i] = 0
			return int64(ago), true
		}
	}
	return 0, false
}

// age throws the table away when all in it are too old.
func (v *evictees) age(now int64) {
	if now/int64(time.Second)-v.last > int64(returnWindow/time.Second) {
		*v = evictees{}
	}
}

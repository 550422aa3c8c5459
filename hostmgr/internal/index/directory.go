package index

import "sync/atomic"

// A directory has a bucket for each prefix of depth bits. A bucket that covers several prefixes
// stands there several times.
type directory struct {
	depth   int
	buckets []atomic.Pointer[bucket]
}

// bucket returns the bucket to which the directory leads.
func (x *Index) bucket(h Hash) *bucket {
	d := x.directory.Load()
	return d.buckets[h>>1>>((63-d.depth)&63)].Load() // h>>(64-d.depth), without a check for 64
}

// point makes the directory lead to a bucket, for all its hashes.
func (x *Index) point(b *bucket) {
	x.growDirectory(b.depth)
	d := x.directory.Load()
	at := int(b.first >> (64 - d.depth))
	for i := range len(d.buckets) >> b.depth {
		d.buckets[at+i].Store(b)
	}
}

// growDirectory doubles the directory until its prefixes are as long as a bucket of this depth
// needs.
func (x *Index) growDirectory(depth int) {
	for d := x.directory.Load(); d.depth < depth; d = x.directory.Load() {
		x.resizeDirectory(d.depth + 1)
	}
}

// shrinkDirectory halves the directory as long as no bucket needs prefixes of its length.
func (x *Index) shrinkDirectory() {
	for d := x.directory.Load(); d.depth > 0 && x.depths[d.depth] == 0; d = x.directory.Load() {
		x.resizeDirectory(d.depth - 1)
	}
}

// resizeDirectory publishes a copy of the directory with another depth. A reader of the old one may
// reach a bucket that has been rebuilt since, and looks again as Find does.
func (x *Index) resizeDirectory(depth int) {
	d := x.directory.Load()
	fresh := &directory{depth: depth, buckets: make([]atomic.Pointer[bucket], 1<<depth)}
	for i := range fresh.buckets {
		fresh.buckets[i].Store(d.buckets[i<<d.depth>>depth].Load())
	}
	x.directory.Store(fresh)
}

// addBucket counts a new bucket, which is due at due.
func (x *Index) addBucket(b *bucket, due int64) {
	x.deadlines.add(b, due)
	x.depths[b.depth]++
	x.units[b.units()]++
}

// removeBucket is the reverse of addBucket.
func (x *Index) removeBucket(b *bucket) {
	x.deadlines.remove(b)
	x.depths[b.depth]--
	x.units[b.units()]--
}

// mostSlots returns an upper bound of the slots of any bucket, in whole units.
func (x *Index) mostSlots() int {
	for i := len(x.units) - 1; i > 0; i-- {
		if x.units[i] > 0 {
			return i * slotUnit
		}
	}
	return 0
}

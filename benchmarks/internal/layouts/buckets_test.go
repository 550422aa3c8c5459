package layouts

import "hash/maphash"

const (
	bucketSlots  = 72 // for which the allocator takes 8 KiB
	bucketGroups = bucketSlots / tagSlots
)

// buckets makes the pages so small that each is a bucket, with tags that say where in
// it the host is. But there are so many buckets that the directory does not stay in
// the cache, and the tags come before the id, the lease and the word. And a bucket
// that has just been split is half empty, at a host's full size.
type buckets struct {
	directory[bucket]
	seed maphash.Seed
}

type bucket struct {
	tags         [bucketGroups]tags
	words        [bucketSlots]word
	records      [bucketSlots]record
	depth, hosts int
}

func newBuckets() *buckets {
	b := &buckets{seed: maphash.MakeSeed()}
	b.begin(&bucket{})
	return b
}

func (b *buckets) Add(id string, l lease) {
	h := maphash.String(b.seed, id)
	for b.page(h).hosts == bucketSlots {
		b.split(h)
	}
	b.page(h).add(h, record{newName(id), l}, 0)
}

// split is of a bucket that is full: there is a host in each slot.
func (b *buckets) split(h uint64) {
	p := b.page(h)
	halves := [2]*bucket{{depth: p.depth + 1}, {depth: p.depth + 1}}
	for i, r := range p.records {
		h := maphash.String(b.seed, r.String())
		halves[half(h, p.depth)].add(h, r, p.words[i].v.Load())
	}
	b.replace(h, p.depth, halves)
}

func (p *bucket) add(h uint64, r record, seen int64) {
	p.hosts++
	g := among(h, bucketGroups)
	for p.tags[g].free() == 0 {
		g = (g + 1) % bucketGroups
	}
	slot := first(p.tags[g].free())
	p.records[g*tagSlots+slot] = r
	p.words[g*tagSlots+slot].v.Store(seen)
	p.tags[g].take(slot, h)
}

func (b *buckets) Heartbeat(id string, t int64) (lease, bool) {
	h := maphash.String(b.seed, id)
	p := b.page(h)
	g := among(h, bucketGroups)
	for range bucketGroups {
		slots, full := p.tags[g].like(h)
		for ; slots != 0; slots &= slots - 1 {
			i := g*tagSlots + first(slots)
			if r := &p.records[i]; r.is(id) {
				l := r.lease
				p.words[i].heartbeat(t)
				return l, true
			}
		}
		if !full {
			return lease{}, false
		}
		g = (g + 1) % bucketGroups
	}
	return lease{}, false
}

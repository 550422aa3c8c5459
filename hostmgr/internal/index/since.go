package index

import "github.com/hostlife/hostlife/hostmgr/internal/detector"

// AdvanceSince is Advance for the entries with a last contact that is not before a time. That time
// depends on the timeouts of an entry: since is called once for each Timeouts in the bucket. It
// reads the words and the metas, which lie next to each other. It also yields all mirrored entries,
// because the last contact of their host may be elsewhere.
func (x *Index) AdvanceSince(c *Cursor, since func(*detector.Timeouts) int64, yield func(Entry)) {
	b := x.bucket(Hash(c.next))
	var room [32]uint64
	least := b.leastWords(room[:0], since)
	metas := b.metas[:len(b.words)]
	for i := range b.words {
		v := b.words[i].load()
		if v < 0 { // ended: its meta says nothing
			continue
		}
		// One comparison for a word in [low, vacant). Two branches would be hard to predict.
		if low := least[metas[i].timeouts]; uint64(v)-low < vacant-low || metas[i].is(mirroredFlag) && v < vacant {
			if e := (Entry{b, i}); !c.Passed(e) {
				yield(e)
			}
		}
	}
	c.pass(b.last())
}

// leastWords appends the least word that passes, for each Timeouts in the bucket: the word of a
// last contact at the time that since returns.
func (b *bucket) leastWords(list []uint64, since func(*detector.Timeouts) int64) []uint64 {
	for _, t := range b.timeouts {
		list = append(list, uint64(wordOf(max(Earliest, since(t)))))
	}
	return append(list, 0) // for a bucket without timeouts: all its slots are free or have ended
}

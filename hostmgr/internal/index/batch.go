package index

import "runtime"

// BatchSize is how many hosts a Batch has room for.
const BatchSize = 64

// A Batch is up to 64 heartbeats, each of any incarnation. Element i belongs to id i.
type Batch struct {
	Hashes  [BatchSize]Hash
	Headers [BatchSize]Header // of the hosts that TouchBatch has touched
}

// FetchBatch hashes the ids of a batch, at most 64, and fetches what TouchBatch needs from memory.
// It needs no lock.
//
// A loop of Touch waits for the memory of nearly each host: the swap of one is an atomic operation,
// and holds up the loads of the next. Here no load waits for the one of another id, so the
// processor fetches the memory of many hosts at the same time. The caches can hold that of a batch.
func (x *Index) FetchBatch(ids []string, b *Batch) {
	for i, id := range ids {
		b.Hashes[i] = x.Hash(id)
	}
	runtime.KeepAlive(x.fetchSlots(b.Hashes[:len(ids)]))
}

// fetchSlots loads from where the search for each hash begins: see Touch. Most searches end there,
// or in the same line of the cache. The result has no meaning: see fetch.
//
// The word of a slot that is not published is not read: an insertion may be filling it in. The slot
// of a host is published, so the processor predicts that, and does not wait for the hash.
func (x *Index) fetchSlots(hashes []Hash) (fetched uint64) {
	for _, h := range hashes {
		b := x.bucket(h)
		i := b.slot(h)
		if b.headers[i].loadHash() != 0 {
			fetched ^= uint64(b.words[i].load())
		}
	}
	return fetched
}

// TouchBatch is Touch for each of the first n hashes of a batch. Bit i of refused says that Touch
// returned false for host i. TouchBatch needs no lock.
//
// It uses nothing that FetchBatch has loaded. So a bucket that is rebuilt between the two only
// costs time.
func (x *Index) TouchBatch(b *Batch, n int, at int64) (refused uint64) {
	for i, h := range b.Hashes[:n] {
		header, ok := x.Touch(h, 0, at)
		if b.Headers[i] = header; !ok {
			refused |= 1 << i
		}
	}
	return refused
}

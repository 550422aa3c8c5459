// Package index finds registered hosts by the hash of their id, and the hosts of which a deadline
// has passed. It is a hash table with a heap of deadlines. It knows no policy and no clock, and
// decides nothing: the caller assesses a host, and the index stores it, moves it and finds it
// again.
//
// Heartbeats use it without a lock, while it changes: Hash, Touch, Find and the methods of Entry
// that say so are safe for concurrent use. One lock of the caller guards everything else: held for
// reading where nothing changes, otherwise for writing. "The lock" means that one.
package index

import (
	"hash/maphash"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// An Index has the entries of all registered hosts.
//
// It is extendible hashing (Fagin, Nievergelt, Pippenger, Strong 1979). The leading bits of an id's
// hash lead through a directory to a bucket, the trailing ones to a slot in it. A bucket that is
// full is rebuilt, larger or as four. Buckets that have emptied are rebuilt, smaller or as one. So
// each step grows or shrinks the index by a bucket at most.
//
// Why readers need no lock: a slot is written before its hash is published by an atomic store. From
// then on only its atomic fields change, and the slot is never used again for another registration.
// A registration that has ended stays ended, and readers pass over it. Memory is reused only by
// building a new bucket; the garbage collector frees the old one after its last reader.
//
// Why a reader of an old bucket is never wrong (rebuild and Find): the directory leads to the new
// bucket before any word of the old one ends. A heartbeat that still reached the old word came
// before that word ended, and is carried over. A later one finds that the word has ended, and looks
// again. A reader that finds nothing may have searched an old bucket. Its search was complete only
// if the directory still leads to the same bucket.
type Index struct {
	seed      maphash.Seed
	values    Values
	learns    bool // buckets have arrivals
	directory atomic.Pointer[directory]

	// Guarded by the lock.
	live      int
	deadlines deadlineHeap               // all buckets
	depths    [65]int                    // number of buckets of each depth
	units     [maxSlots/slotUnit + 1]int // number of buckets of so many units of slots
	least     []int64                    // memory for checkBucket, used again by each sweep
}

// A Hash is the hash of an id. Its leading bits lead to the bucket, its trailing bits to the slot.
// It is never 0, which marks a free slot.
//
// A heartbeat compares the hash and not the id, which saves a fetch from memory. The heartbeat of
// an unknown id is taken for a heartbeat of one of a million hosts with a chance of 5e-14. The seed
// is secret, so such an id cannot be searched for. And a sender of that heartbeat could as well
// send one with the right id.
//
// The holder of the lock compares ids. If an insertion finds another id with its hash, it marks
// both, and their heartbeats take the lock too. Of a million hosts, any two have the same hash with
// a chance of 3e-8.
type Hash uint64

// New returns an empty index that stores values by v. If learns is true, it keeps the arrival
// history of each host.
func New(v Values, learns bool) *Index {
	x := &Index{seed: maphash.MakeSeed(), values: v, learns: learns}
	d := &directory{buckets: make([]atomic.Pointer[bucket], 1)}
	b := x.newBucket(0, 0, 0)
	d.buckets[0].Store(b)
	x.directory.Store(d)
	x.addBucket(b, never)
	return x
}

// Hash returns the hash of an id. It needs no lock.
func (x *Index) Hash(id string) Hash {
	return Hash(max(1, maphash.Comparable(x.seed, id))) // the hash function of String, with fewer calls
}

// Len returns the number of entries.
func (x *Index) Len() int { return x.live }

// Find returns an entry with this hash. It needs no lock: when it returns, the registration may
// have ended, or the entry may have moved.
func (x *Index) Find(h Hash) (Entry, bool) {
	b := x.bucket(h)
	for {
		if i := b.seek(h, b.slot(h)); i >= 0 {
			return Entry{b, i}, true
		}
		now := x.bucket(h)
		if now == b {
			return Entry{}, false
		}
		b = now
	}
}

// Lookup returns the entry of an id with this hash. It needs the lock, at least for reading.
func (x *Index) Lookup(h Hash, id string) (Entry, bool) {
	b := x.bucket(h)
	for i := b.seek(h, b.slot(h)); i >= 0; i = b.seek(h, i+1) {
		e := Entry{b, i}
		fetched := x.fetch(e)
		same := e.ID() == id
		runtime.KeepAlive(fetched)
		if same {
			return e, true
		}
	}
	return Entry{}, false
}

// fetch loads from the entry's meta and value, which the caller of Lookup needs. So they come from
// memory while Lookup waits for the id. Otherwise the caller would wait for one after the other: a
// processor does not look far ahead of a load that waits. The result has no meaning. It keeps the
// compiler from leaving out the loads.
func (x *Index) fetch(e Entry) uint8 {
	b, i := e.place()
	return e.meta().flags ^ *(*uint8)(unsafe.Add(b.values, uintptr(i)*x.values.Size))
}

// LookupRegistration is Lookup by the number of the registration. An entry that has ended and is
// not removed yet is found too.
func (x *Index) LookupRegistration(h Hash, registration uint64) (Entry, bool) {
	b := x.bucket(h)
	for i := b.seek(h, b.slot(h)); i >= 0; i = b.seek(h, i+1) {
		if e := (Entry{b, i}); e.Registration() == registration {
			return e, true
		}
	}
	return Entry{}, false
}

// Current finds an entry again that was found without the lock and may have moved. It returns false
// if the registration has ended. It needs the lock, at least for reading.
func (x *Index) Current(e Entry, id string) (Entry, bool) {
	now, ok := x.Lookup(e.Hash(), id)
	return now, ok && now.Registration() == e.Registration()
}

// A Host is the data of a host that Insert stores.
type Host struct {
	ID                        string
	Timeouts                  *detector.Timeouts // they never change, and name the interval too
	Incarnation, Registration uint64
	Contact, Joined           int64 // either may be before time 0
}

// Insert adds an entry, and makes it visible to heartbeats. The caller has called Reserve under the
// same lock, and sets the value, which is zero, before it releases the lock. Another registration
// of the same id may still exist. Find and Lookup find that one until it has ended, and always one
// of the two.
func (x *Index) Insert(h Hash, host *Host) Entry {
	b := x.bucket(h)
	e := b.insertSlot(h)
	s := e.header()
	s.incarnation, s.registration = host.Incarnation, host.Registration
	s.packed = b.addRecord() | pack(host.Timeouts.Interval)
	e.word().v = wordOf(max(host.Contact, Earliest))
	e.setTimeouts(host.Timeouts)
	e.setID(host.ID)
	e.record().setJoined(host.Joined)
	b.markCollisions(e, h)
	s.publish(h)
	x.live++
	return e
}

// Remove removes an entry of which the registration has ended. The caller has made its value zero,
// so that it holds no memory. Shrink may release memory afterwards.
func (x *Index) Remove(e Entry) {
	e.bucket.remove(e)
	x.live--
}

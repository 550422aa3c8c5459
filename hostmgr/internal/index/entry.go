package index

import "time"

// An Entry is one registration of a host: a slot of a bucket.
//
// An entry is valid while the caller holds the lock, until it is removed or the index reserves room
// or shrinks. The zero Entry is none. Of an entry that was found without the lock, only the methods
// whose comments say so may be used; they stay safe, whatever becomes of the entry.
type Entry struct {
	bucket *bucket
	slot   int
}

func (e Entry) word() *contactWord  { return &e.bucket.words[e.slot] }
func (e Entry) header() *slotHeader { return &e.bucket.headers[e.slot] }
func (e Entry) meta() *slotMeta     { return &e.bucket.metas[e.slot] }

// Header returns the interval and the numbers of the registration. It needs no lock.
func (e Entry) Header() Header { return e.header().header() }

// Interval returns the interval that the host is judged by. It needs no lock.
func (e Entry) Interval() time.Duration { return e.header().interval() }

// Incarnation returns the incarnation of the registration. It needs no lock.
func (e Entry) Incarnation() uint64 { return e.header().incarnation }

// Registration returns the number of the registration. It needs no lock.
func (e Entry) Registration() uint64 { return e.header().registration }

// Hash returns the hash of the host's id. It needs no lock.
func (e Entry) Hash() Hash { return e.header().loadHash() }

// Collides tells whether another id may have the same hash: then only Lookup tells the two apart.
// It needs no lock.
func (e Entry) Collides() bool { return e.header().collides() }

// Touch records a contact, and never steps back. It returns the word before (see ContactOf and
// IsSuspect); if that was a suspect's the caller must assess the host again. It returns false if the
// registration has ended. It needs no lock.
func (e Entry) Touch(at int64) (was int64, live bool) { return e.word().touch(at) }

// Word returns the contact word, for ContactOf, IsSuspect and the methods below. It needs no lock.
func (e Entry) Word() int64 { return e.word().load() }

// MarkSuspect has the next contact report a suspect's word, unless there was a contact since the
// word was read.
func (e Entry) MarkSuspect(word int64) bool { return e.word().markSuspect(word) }

// ClearSuspect is the reverse of MarkSuspect. It also returns true if the word was not a suspect's.
func (e Entry) ClearSuspect(word int64) bool { return e.word().clearSuspect(word) }

// Evict ends the registration, unless there was a contact since the word was read. The caller
// removes the entry then.
func (e Entry) Evict(word int64) bool { return e.word().evict(word) }

// End ends the registration, and returns the last contact. The caller removes the entry then.
func (e Entry) End() (contact int64) { return e.word().end() }

// Zone returns the number that SetZone was given last, at first 0.
func (e Entry) Zone() uint8 { return e.meta().zone }

// SetZone keeps a number for the caller.
func (e Entry) SetZone(zone uint8) { e.meta().zone = zone }

// Suspect tells whether watchers were told that the host is suspect. The bit of the contact word is
// another thing: the next contact clears that one.
func (e Entry) Suspect() bool { return e.meta().is(suspectFlag) }

// SetSuspect sets what Suspect returns.
func (e Entry) SetSuspect(on bool) { e.meta().set(suspectFlag, on) }

// Held tells whether the host is due for eviction, but held.
func (e Entry) Held() bool { return e.meta().is(heldFlag) }

// SetHeld sets what Held returns. Index.LowerHeld finds the buckets that have such hosts.
func (e Entry) SetHeld(on bool) {
	switch {
	case on && !e.Held():
		e.bucket.held++
	case !on && e.Held():
		e.bucket.held--
	}
	e.meta().set(heldFlag, on)
}

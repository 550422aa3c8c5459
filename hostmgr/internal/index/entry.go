package index

import "time"

// An Entry is one registration of a host: a slot of a bucket. The zero Entry is none.
//
// An entry is valid while the caller holds the lock, until it is removed or the index reserves room
// or shrinks. If it was found without the lock, only the methods that need no lock may be used, by
// their comments. They stay safe, whatever happens to the entry.
type Entry struct {
	bucket *bucket
	slot   int
}

func (e Entry) word() *contactWord  { return &e.bucket.words[e.slot] }
func (e Entry) header() *slotHeader { return &e.bucket.headers[e.slot] }
func (e Entry) meta() *slotMeta     { return &e.bucket.metas[e.slot] }

// Header returns the interval and the numbers of the registration. It needs no lock.
func (e Entry) Header() Header { return e.header().header() }

// Interval returns the interval from which the timeouts of the host are computed. It needs no lock.
func (e Entry) Interval() time.Duration { return e.header().interval() }

// Incarnation returns the incarnation of the registration. It needs no lock.
func (e Entry) Incarnation() uint64 { return e.header().incarnation }

// Registration returns the number of the registration. It needs no lock.
func (e Entry) Registration() uint64 { return e.header().registration }

// Hash returns the hash of the host's id. It needs no lock.
func (e Entry) Hash() Hash { return e.header().loadHash() }

// Collides reports whether another id may have the same hash: then only Lookup finds the right one.
// It needs no lock.
func (e Entry) Collides() bool { return e.header().collides() }

// Touch records a contact, which may be before time 0, and never steps back. It returns the word
// from before (see ContactOf and IsSuspect). If that was the word of a suspect, the caller must
// assess the host again. live is false if the registration has ended. Touch needs no lock.
func (e Entry) Touch(at int64) (was int64, live bool) { return e.word().touch(at) }

// Word returns the contact word, for ContactOf, IsSuspect and the methods below. It needs no lock.
func (e Entry) Word() int64 { return e.word().load() }

// MarkSuspect makes the next contact return the word of a suspect, unless there was a contact since
// the word was read.
func (e Entry) MarkSuspect(word int64) bool { return e.word().markSuspect(word) }

// ClearSuspect is the reverse of MarkSuspect. It also returns true if the word was not that of a
// suspect.
func (e Entry) ClearSuspect(word int64) bool { return e.word().clearSuspect(word) }

// Evict ends the registration, unless there was a contact since the word was read. The caller then
// removes the entry.
func (e Entry) Evict(word int64) bool { return e.word().evict(word) }

// End ends the registration, and returns the last contact. The caller then removes the entry.
func (e Entry) End() (contact int64) { return e.word().end() }

// Meta returns Zone, Suspect and Held by one call.
func (e Entry) Meta() (zone uint8, suspect, held bool) {
	m := e.meta()
	return m.zone, m.is(suspectFlag), m.is(heldFlag)
}

// Zone returns the number that SetZone stored last, at first 0.
func (e Entry) Zone() uint8 { return e.meta().zone }

// SetZone stores the number of a zone.
func (e Entry) SetZone(zone uint8) {
	e.meta().zone = zone
	e.bucket.zones.add(zone)
}

// Suspect reports whether watchers were told that the host is suspect. This is not the suspect bit
// of the contact word, which the next contact clears.
func (e Entry) Suspect() bool { return e.meta().is(suspectFlag) }

// SetSuspect sets what Suspect returns.
func (e Entry) SetSuspect(on bool) { e.meta().set(suspectFlag, on) }

// Held reports whether the host is due for eviction but held.
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

package index

import (
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// A Header identifies a registration, and has the data for the answer to a heartbeat.
type Header struct {
	Interval                  time.Duration
	Incarnation, Registration uint64
}

// A slotHeader has what a heartbeat needs to recognise a registration, and to answer.
//
// Once the slot is published, hash and packed change atomically, and are read atomically without
// the lock. incarnation and registration never change. Before that, plain stores fill them in.
type slotHeader struct {
	hash         Hash // 0: the slot is free
	incarnation  uint64
	registration uint64
	packed       uint64 // the interval (48 bits are 3 days; all set: NeverInterval), the record's number, and the collision bit
}

const (
	intervalBits = 48
	intervalMask = 1<<intervalBits - 1
	recordMask   = (1<<15 - 1) << intervalBits
	collisionBit = 1 << 63
)

func (s *slotHeader) loadHash() Hash { return Hash(atomic.LoadUint64((*uint64)(&s.hash))) }

// publish makes a filled slot visible to readers without the lock.
func (s *slotHeader) publish(h Hash) { atomic.StoreUint64((*uint64)(&s.hash), uint64(h)) }

// collides reports whether another id has the same hash, or had it since this registration began.
func (s *slotHeader) collides() bool { return atomic.LoadUint64(&s.packed)&collisionBit != 0 }
func (s *slotHeader) setCollides()   { atomic.OrUint64(&s.packed, collisionBit) }

// accepts reports whether a heartbeat of this incarnation is for this registration, and no other id
// can have its hash.
func (s *slotHeader) accepts(incarnation uint64) bool {
	return !s.collides() && (incarnation == 0 || incarnation == s.incarnation)
}

func (s *slotHeader) interval() time.Duration { return unpack(atomic.LoadUint64(&s.packed)) }

// pack returns the bits of packed for an interval.
func pack(d time.Duration) uint64 { return min(uint64(d), intervalMask) }

func unpack(packed uint64) time.Duration {
	if packed &= intervalMask; packed != intervalMask {
		return time.Duration(packed)
	}
	return detector.NeverInterval
}

// setInterval needs the lock, so that no other goroutine changes packed meanwhile.
func (s *slotHeader) setInterval(d time.Duration) {
	atomic.StoreUint64(&s.packed, s.packed>>intervalBits<<intervalBits|pack(d))
}

func (s *slotHeader) header() Header {
	return Header{Interval: s.interval(), Incarnation: s.incarnation, Registration: s.registration}
}

func (s *slotHeader) recordNumber() uint16 { return uint16(s.packed & recordMask >> intervalBits) }

// A slotMeta has what a sweep needs of a registration besides its contact word.
type slotMeta struct {
	timeouts uint16 // a number in bucket.timeouts
	zone     uint8
	flags    uint8
}

const (
	suspectFlag    = 1 << iota // watchers were told that the host is suspect
	heldFlag                   // the host is due, but held
	mirroredFlag               // another registry keeps the host
	doubtedFlag                // that registry suspects it
	assignedFlag               // a registry has assigned the incarnation
	renumberedFlag             // the host was told other numbers before
	changedFlag                // for the caller
	announcedFlag              // likewise
)

func (m *slotMeta) is(flag uint8) bool { return m.flags&flag != 0 }

func (m *slotMeta) set(flag uint8, on bool) {
	m.flags &^= flag
	if on {
		m.flags |= flag
	}
}

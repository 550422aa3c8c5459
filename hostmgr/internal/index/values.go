package index

import "unsafe"

// A Value is the place of a host's value, and the host's id.
type Value struct {
	ID    string         // see Entry.ID
	Block unsafe.Pointer // the value is number I of a block of Values.New
	I     int
}

// AdvanceValues appends the values of the entries in the next bucket to a list, and moves the
// cursor on. It needs the lock, at least for reading.
//
// It is Advance for a caller that needs no more of an entry. It goes through the records in the
// order of memory, which the processor fetches ahead. For the slots, which are in the order of
// hashes, it only reads in order which records are of live registrations.
func (x *Index) AdvanceValues(c *Cursor, to []Value) []Value {
	b := x.bucket(Hash(c.next))
	var ahead recordSet
	b.recordsFrom(c.next, &ahead)
	for n := range b.blocks {
		to = b.appendValues(to, n, &ahead)
	}
	c.pass(b.last())
	return to
}

// A recordSet says for each record by its number whether it is in the set: 1 or 0.
type recordSet [maxSlots]uint8

// recordsFrom adds the records of the live registrations with this hash or a higher one to a set.
// It has no branch that depends on the slot, because the processor could not predict it. A slot
// that is free has record number 0, and adds nothing.
func (b *bucket) recordsFrom(first uint64, to *recordSet) {
	words := b.words[:len(b.headers)]
	for i := range b.headers {
		s, in := &b.headers[i], uint8(0)
		if words[i].live() && uint64(s.loadHash()) >= first {
			in = 1
		}
		to[s.recordNumber()%maxSlots] |= in
	}
}

// appendValues appends the values of those records of a block that are in the set.
func (b *bucket) appendValues(to []Value, block int, from *recordSet) []Value {
	at := &b.blocks[block]
	for i := range at.records {
		n := uint16(block*BlockSize + i)
		if from[n%maxSlots] == 1 {
			to = append(to, Value{b.id(n), at.values, i})
		}
	}
	return to
}

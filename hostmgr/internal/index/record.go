package index

import (
	"strings"
	"unsafe"
)

// BlockSize is the number of records and values in a block.
const BlockSize = 64

// Values stores the embedder's metadata. The index has room for one value for each entry. It moves
// values, and never looks at them.
//
// A block is one allocation with room for 64 values, made by New. The index is not generic, so it
// keeps blocks as unsafe.Pointer. That is sound for the garbage collector. An unsafe.Pointer keeps
// its target alive like any pointer. The collector knows from the allocation where the block has
// pointers. All reads and writes of values are typed code of the caller, compiled with the write
// barriers that the type needs. The index computes the address of a value only to load from it: see
// fetch.
type Values struct {
	Size uintptr                                                    // of one value, in bytes
	New  func() unsafe.Pointer                                      // makes a block of zero values
	Move func(to unsafe.Pointer, i int, from unsafe.Pointer, j int) // copies value j of from to i of to
}

// A block has room for the records and values of 64 registrations. Records have no pointers, so the
// garbage collector does not scan them (4864 bytes, a size class of the allocator).
type block struct {
	records *[BlockSize]record
	values  unsafe.Pointer // made by Values.New
}

// A record is the data that only the holder of the lock needs: the id, and the time of joining.
type record struct {
	id     [64]byte // or the beginning of a longer id
	size   uint16   // of the id
	keeper uint8    // see Entry.Keeper
	joined [2]uint32
}

func (r *record) setJoined(at int64) { r.joined = [2]uint32{uint32(at), uint32(at >> 32)} }
func (r *record) joinedAt() int64    { return int64(r.joined[1])<<32 | int64(r.joined[0]) }

// isLong reports whether the id is longer than the record has room for.
func (r *record) isLong() bool { return int(r.size) > len(r.id) }

// addRecord takes the next record, and returns its number as bits of slotHeader.packed.
func (b *bucket) addRecord() uint64 {
	if b.records%BlockSize == 0 {
		b.blocks = append(b.blocks, block{new([BlockSize]record), b.values.New()})
	}
	b.records++
	return uint64(b.records-1) << intervalBits
}

// place returns the block with the entry's record and value, and their index in it.
func (e Entry) place() (*block, int) {
	n := e.header().recordNumber()
	return &e.bucket.blocks[n/BlockSize], int(n % BlockSize)
}

func (e Entry) record() *record {
	b, i := e.place()
	return &b.records[i]
}

// Value returns the block of Values.New with the entry's value, and the index in it. The lock
// guards the value.
func (e Entry) Value() (block unsafe.Pointer, i int) {
	b, i := e.place()
	return b.values, i
}

// ID returns the host's id. The string lies in the record, and is valid and the same for ever: the
// id of a record that has been published does not change, and the record is not used again. But the
// string keeps a block of 64 records in memory. So clone it to keep it.
func (e Entry) ID() string { return e.bucket.id(e.header().recordNumber()) }

// id returns the id in a record.
func (b *bucket) id(record uint16) string {
	r := &b.blocks[record/BlockSize].records[record%BlockSize]
	if r.isLong() {
		return b.longIDs[record]
	}
	return unsafe.String(&r.id[0], int(r.size))
}

func (e Entry) setID(id string) {
	r := e.record()
	r.size = uint16(len(id))
	if copy(r.id[:], id) == len(id) {
		return
	}
	if e.bucket.longIDs == nil {
		e.bucket.longIDs = map[uint16]string{}
	}
	e.bucket.longIDs[e.header().recordNumber()] = strings.Clone(id)
}

// Joined returns when the host joined.
func (e Entry) Joined() int64 { return e.record().joinedAt() }

package index

import (
	"strings"
	"unsafe"
)

// BlockSize is the number of values in a block of Values.New.
const BlockSize = 64

// Values stores the embedder's metadata. The index has room for one value for each entry; it moves
// and clears values, and never looks at them.
//
// A block is one allocation with room for 64 values, made by New. The index keeps blocks as
// unsafe.Pointer, for it is not generic. That is sound for the garbage collector: an unsafe.Pointer
// keeps its target alive like any pointer, the collector knows from the allocation itself where the
// block has pointers, and all reads and writes of values are typed code of the caller, compiled
// with the write barriers that the type needs. The index does no pointer arithmetic on a block.
type Values struct {
	New  func() unsafe.Pointer                                      // makes a block of zero values
	Move func(to unsafe.Pointer, i int, from unsafe.Pointer, j int) // copies value j of from to i of to
}

// A block has room for the records and values of 64 registrations. The records have no pointers,
// so the garbage collector need not look into them (4864 bytes, which is a size class of its own).
type block struct {
	records *[BlockSize]record
	values  unsafe.Pointer // made by Values.New
}

// A record is what only the holder of the lock needs: the id, and the time of joining.
type record struct {
	id     [64]byte // or the beginning of a longer one
	size   uint16   // of the id
	joined [2]uint32
}

func (r *record) setJoined(at int64) { r.joined = [2]uint32{uint32(at), uint32(at >> 32)} }
func (r *record) joinedAt() int64    { return int64(r.joined[1])<<32 | int64(r.joined[0]) }

// isLong tells whether the id is longer than the record has room for.
func (r *record) isLong() bool { return int(r.size) > len(r.id) }

// addRecord takes the next record, and returns its number in the form of slotHeader.packed.
func (b *bucket) addRecord() uint64 {
	if b.records%BlockSize == 0 {
		b.blocks = append(b.blocks, block{new([BlockSize]record), b.values.New()})
	}
	b.records++
	return uint64(b.records-1) << intervalBits
}

// place returns the block of the entry's record and value, and their place in it.
func (e Entry) place() (*block, int) {
	n := e.header().recordNumber()
	return &e.bucket.blocks[n/BlockSize], int(n % BlockSize)
}

func (e Entry) record() *record {
	b, i := e.place()
	return &b.records[i]
}

// Value returns where the entry's value is: a block of Values.New, and the place in it. The lock
// guards the value.
func (e Entry) Value() (block unsafe.Pointer, i int) {
	b, i := e.place()
	return b.values, i
}

// ID returns the host's id: a view that is valid until the entry is removed or moved. Clone it to
// keep it.
func (e Entry) ID() string {
	r := e.record()
	if r.isLong() {
		return e.bucket.longIDs[e.header().recordNumber()]
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

package hostmgr

import (
	"reflect"
	"unsafe"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

const (
	// largeSize is the size in bytes above which metadata is large. Each large value is an
	// allocation of its own, made when a host joins: a block of 64 values would be too much for a
	// registry of few hosts.
	largeSize = 1 << 10
	perBlock  = index.BlockSize
)

// metadata reads and writes the embedder's metadata in the blocks of the index: 64 values, or 64
// pointers to values if M is large. The lock guards the values.
//
// Values are accessed by their address, computed from that of the block. An index into an array
// would cost a load of the first value of the block, to see that the block is not nil, and that is
// a wait for memory.
type metadata[M any] struct{}

func (metadata[M]) large() bool {
	var none M
	return unsafe.Sizeof(none) > largeSize
}

// values returns the functions by which the index stores metadata.
func (m metadata[M]) values() index.Values {
	if m.large() {
		return valuesOf[*M]()
	}
	return valuesOf[M]()
}

func valuesOf[V any]() index.Values {
	var none V
	return index.Values{
		Size: unsafe.Sizeof(none),
		New:  func() unsafe.Pointer { return unsafe.Pointer(new([perBlock]V)) },
		Move: func(to unsafe.Pointer, i int, from unsafe.Pointer, j int) {
			(*[perBlock]V)(to)[i] = (*[perBlock]V)(from)[j]
		},
	}
}

// at returns the place of the metadata of a host.
func (metadata[M]) at(e index.Entry) *M {
	block, i := e.Value()
	return valueAt[M](block, i)
}

// largeAt is at for large metadata.
func (metadata[M]) largeAt(e index.Entry) **M {
	block, i := e.Value()
	return valueAt[*M](block, i)
}

func valueAt[V any](block unsafe.Pointer, i int) *V {
	var none V
	return (*V)(unsafe.Add(block, uintptr(i)*unsafe.Sizeof(none)))
}

// load copies the metadata of a host into to.
func (m metadata[M]) load(e index.Entry, to *M) {
	if m.large() {
		*to = **m.largeAt(e)
		return
	}
	*to = *m.at(e)
}

// loadAt is load for a host of which the place is known.
func (m metadata[M]) loadAt(block unsafe.Pointer, i int, to *M) {
	if m.large() {
		*to = **valueAt[*M](block, i)
		return
	}
	*to = *valueAt[M](block, i)
}

// store replaces the metadata of a host.
func (m metadata[M]) store(e index.Entry, from *M) {
	if !m.large() {
		*m.at(e) = *from
		return
	}
	value := m.largeAt(e)
	if *value == nil {
		*value = new(M)
	}
	**value = *from
}

// isPlain reports whether two values of a type can be compared, and differ only if their contents
// do: a type of numbers, strings, booleans, and arrays and structs of these. A pointer may be
// another one for the same contents. A comparison of interfaces may panic.
func isPlain(t reflect.Type) bool {
	switch k := t.Kind(); k {
	case reflect.Array:
		return isPlain(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !isPlain(t.Field(i).Type) {
				return false
			}
		}
		return true
	default:
		return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
	}
}

// comparable reports whether differs may be called. Large values would be copied to the heap.
func (m metadata[M]) comparable() bool { return !m.large() && isPlain(reflect.TypeFor[M]()) }

// differs reports whether the metadata of a host is not equal to other. It does not allocate.
func (m metadata[M]) differs(e index.Entry, other *M) bool {
	return any(*m.at(e)) != any(*other)
}

// clear makes the metadata of a host zero, so that it holds no memory.
func (m metadata[M]) clear(e index.Entry) {
	if m.large() {
		*m.largeAt(e) = nil
		return
	}
	var none M
	*m.at(e) = none
}

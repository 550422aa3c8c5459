package hostmgr

import (
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"
)

// A life is one join of a host, until its one departure: a place in a page. It is
// valid while Registry.mu is held and the table is neither given room nor tidied;
// of one that was found without the lock only word and key may be used.
type life[M any] struct {
	page *page[M]
	slot int
}

func (l life[M]) word() *word { return &l.page.words[l.slot] }
func (l life[M]) mark() *mark { return &l.page.marks[l.slot] }
func (l life[M]) key() *key   { return &l.page.keys[l.slot] }

func (l life[M]) lease() Lease { return l.key().lease() }

// fence keeps other incarnations out: the past is ErrStale, the future is not
// here yet.
func (l life[M]) fence(incarnation uint64) error {
	switch k := l.key(); {
	case incarnation == 0 || incarnation == k.incarnation:
		return nil
	case incarnation < k.incarnation:
		return ErrStale
	default:
		return ErrUnknownHost
	}
}

// fill fills in the slot that was taken for it.
func (l life[M]) fill(k Lease, v int64) {
	l.key().incarnation, l.key().number = k.Incarnation, k.Life
	l.word().v = v
}

// publish lets heartbeats find a life that is filled in.
func (l life[M]) publish(h hash) { atomic.StoreUint64((*uint64)(&l.key().hash), uint64(h)) }

// recordNo is the number of its record.
func (l life[M]) recordNo() uint16 { return uint16(l.key().rest & recordBits >> intervalBits) }

// rest is where the rest of the life lies: in a chunk, at an index.
func (l life[M]) rest() (chunk[M], int) {
	n := l.recordNo()
	return l.page.chunks[n/chunkSize], int(n % chunkSize)
}

func (l life[M]) record() *record {
	c, i := l.rest()
	return &c.records[i]
}

// load copies the metadata. Here and below they are read, or written, by index: the address of one
// would cost a look at the first of the array, which is a wait for memory.
func (l life[M]) load(to *M) {
	if isLarge[M]() {
		*to = *l.page.large[l.recordNo()]
		return
	}
	c, i := l.rest()
	*to = c.metadata[i]
}

func (l life[M]) store(metadata *M) {
	if isLarge[M]() {
		at := &l.page.large[l.recordNo()]
		if *at == nil {
			*at = new(M)
		}
		**at = *metadata
		return
	}
	c, i := l.rest()
	c.metadata[i] = *metadata
}

// id is a view that is valid as long as the life is.
func (l life[M]) id() string {
	r := l.record()
	if int(r.size) > len(r.id) {
		return l.page.long[l.recordNo()]
	}
	return unsafe.String(&r.id[0], int(r.size))
}

func (l life[M]) setID(id string) {
	r := l.record()
	r.size = uint16(len(id))
	if copy(r.id[:], id) == len(id) {
		return
	}
	if l.page.long == nil {
		l.page.long = map[uint16]string{}
	}
	l.page.long[l.recordNo()] = strings.Clone(id)
}

func (l life[M]) terms() *terms { return l.page.terms[l.mark().terms] }

// setTerms has the life judged by t from now on.
func (l life[M]) setTerms(t *terms) {
	p := l.page
	if i := slices.Index(p.terms, t); i >= 0 {
		l.mark().terms = uint16(i)
		return
	}
	if len(p.terms) == maxTermsOfPage {
		p.sortOut()
	}
	l.mark().terms = p.judgeBy(t)
}

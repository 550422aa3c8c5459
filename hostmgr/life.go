package hostmgr

import (
	"strings"
	"time"
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
func (l life[M]) key() *key   { return &l.page.keys[l.slot] }

func (l life[M]) lease() Lease {
	k := l.key()
	return Lease{
		Interval: time.Duration(k.interval.Load()), Incarnation: k.incarnation, Life: k.number,
	}
}

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

// begin publishes a slot that was taken and filled in: from here on heartbeats
// find it.
func (l life[M]) begin(k Lease, v int64, print uint64) {
	l.key().incarnation, l.key().number = k.Incarnation, k.Life
	l.word().v.Store(v)
	l.key().print.Store(print)
}

// rest is where the rest of the life lies: in a chunk, at an index.
func (l life[M]) rest() (chunk[M], int) {
	at := l.page.records[l.slot].at
	return l.page.chunks[at/chunkSize], int(at % chunkSize)
}

// id is a view that is valid as long as the life is.
func (l life[M]) id() string {
	c, i := l.rest()
	n := int(c.size[i])
	if n > len(c.ids[i]) {
		return l.page.long[l.page.records[l.slot].at]
	}
	return unsafe.String(&c.ids[i][0], n)
}

func (l life[M]) setID(id string) {
	c, i := l.rest()
	c.size[i] = uint16(len(id))
	if copy(c.ids[i][:], id) == len(id) {
		return
	}
	if l.page.long == nil {
		l.page.long = map[uint16]string{}
	}
	l.page.long[l.page.records[l.slot].at] = strings.Clone(id)
}

// suspect is what watchers were told last.
func (l life[M]) suspect() *bool {
	c, i := l.rest()
	return &c.suspect[i]
}

func (l life[M]) terms() *terms { return l.page.terms[l.page.records[l.slot].terms] }

// setTerms has the life judged by t from now on.
func (l life[M]) setTerms(t *terms) {
	p, r := l.page, &l.page.records[l.slot]
	l.key().interval.Store(int64(t.interval))
	for i, known := range p.terms {
		if known == t {
			r.terms = uint16(i)
			return
		}
	}
	if len(p.terms) == maxTermsOfPage {
		p.sortOut()
	}
	r.terms = uint16(len(p.terms))
	p.terms = append(p.terms, t)
}

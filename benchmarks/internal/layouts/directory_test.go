package layouts

import "sync/atomic"

// A directory leads from the first bits of a hash to a page: extendible hashing. A
// page that is full becomes two, so nothing is ever moved at once but a page.
type directory[P any] struct{ prefixes atomic.Pointer[prefixes[P]] }

// prefixes has a page for each prefix of so many bits. A page that covers several
// stands there several times.
type prefixes[P any] struct {
	depth int
	pages []atomic.Pointer[P]
}

// begin has one page for all.
func (d *directory[P]) begin(p *P) {
	all := &prefixes[P]{pages: make([]atomic.Pointer[P], 1)}
	all.pages[0].Store(p)
	d.prefixes.Store(all)
}

func (d *directory[P]) page(h uint64) *P {
	x := d.prefixes.Load()
	return x.pages[h>>(64-x.depth)].Load()
}

// replace lets two pages take the place of that of h, in which so many bits were the
// same.
func (d *directory[P]) replace(h uint64, depth int, halves [2]*P) {
	x := d.prefixes.Load()
	if depth == x.depth {
		x = x.double()
		d.prefixes.Store(x)
	}
	span := len(x.pages) >> depth
	first := int(h>>(64-x.depth)) &^ (span - 1)
	for i := range span {
		x.pages[first+i].Store(halves[i*2/span])
	}
}

func (x *prefixes[P]) double() *prefixes[P] {
	twice := &prefixes[P]{depth: x.depth + 1, pages: make([]atomic.Pointer[P], 2*len(x.pages))}
	for i := range twice.pages {
		twice.pages[i].Store(x.pages[i/2].Load())
	}
	return twice
}

// half tells into which of two pages h goes when one of this depth is split.
func half(h uint64, depth int) int { return int(h >> (63 - depth) & 1) }

// among spreads the last bits of h over so many places.
func among(h uint64, places int) int { return int(h & (1<<32 - 1) * uint64(places) >> 32) }

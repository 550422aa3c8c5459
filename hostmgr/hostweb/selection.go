package hostweb

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A selection finds the first hosts of one list during one scan of all hosts. It keeps only the
// sort key of a host, and at most twice as many hosts as there are up to the end of the deepest
// page.
type selection[M any] struct {
	query       // without a page
	depth   int // hosts up to the end of the deepest page
	began   time.Time
	matched int
	first   []entry
	full    bool  // first reaches to the end of the deepest page, and:
	last    entry // is its last one: a host after it is on a later page
}

// An entry is the sort key of a host in one list.
type entry struct {
	id   string
	zone string // in a list by zone
	key  int64  // in a list by anything but zone and id
}

// depth is the number of hosts up to the end of the page.
func (q *query) depth() int { return q.Page * q.Size }

// list is the query without its page: all pages of one list have it in common.
func (q query) list() query {
	q.Page, q.Size = 0, 0
	return q
}

// add adds a host if it matches. unsure reports that only the text about its metadata can tell.
func (s *selection[M]) add(h *hostmgr.Host[M], described bool) (unsure bool) {
	held := h.Hold != (hostmgr.HoldReason{})
	if !s.States.matches(h.State, held) || s.Zone != "" && s.Zone != h.Zone {
		return false
	}
	if s.Search != "" && !containsFold(h.ID, s.Search) && !containsFold(h.Zone, s.Search) {
		return described
	}
	s.take(h)
	return false
}

// addIf adds a host that add was unsure of, if the text about its metadata matches.
func (s *selection[M]) addIf(h *hostmgr.Host[M], about string) {
	if containsFold(about, s.Search) {
		s.take(h)
	}
}

// take adds a host that matches.
func (s *selection[M]) take(h *hostmgr.Host[M]) {
	s.matched++
	e := entryOf(s.Sort, h, s.began)
	if s.full && s.compare(&e, &s.last) > 0 {
		return
	}
	s.first = append(s.first, e)
	if len(s.first) == 2*s.depth {
		s.cut()
	}
}

// cut sorts the entries and keeps the first ones.
func (s *selection[M]) cut() {
	slices.SortFunc(s.first, func(a, b entry) int { return s.compare(&a, &b) })
	if n := s.depth; len(s.first) >= n {
		clear(s.first[n:])
		s.first = s.first[:n]
		s.full, s.last = true, s.first[n-1]
	}
}

// compare is a total order, because a scan meets an id only once.
func (s *selection[M]) compare(a, b *entry) int {
	c := cmp.Compare(a.key, b.key)
	switch s.Sort {
	case "zone":
		c = strings.Compare(a.zone, b.zone)
	case "id":
		c = strings.Compare(a.id, b.id)
	}
	switch {
	case c == 0:
		return strings.Compare(a.id, b.id)
	case s.Order == "desc":
		return -c
	default:
		return c
	}
}

// page returns the entries on a page, its number, and the number of pages. The selection must be
// sorted.
func (s *selection[M]) page(q query) (list []entry, page, pages int) {
	reachable := min(s.matched, maxDepth/q.Size*q.Size)
	pages = max(1, (reachable+q.Size-1)/q.Size)
	page = min(q.Page, pages)
	from := (page - 1) * q.Size
	return s.first[from:min(from+q.Size, len(s.first))], page, pages
}

package hostweb

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A selection finds the best hosts of one list while all hosts go by once. Of a host it keeps only
// what orders it, and of no more than twice as many hosts as lie up to the end of the deepest page.
type selection[M any] struct {
	question     // without a page
	depth    int // hosts up to the end of the deepest page
	began    time.Time
	matched  int
	best     []entry
	full     bool  // there are enough of them:
	worst    entry // what does not come before this one is on a later page
}

// An entry is what orders a host in one list.
type entry struct {
	id   string
	zone string // of a list by zone
	key  int64  // of any other list but by id
}

// depth is how many hosts there are up to the end of the page.
func (q *question) depth() int { return q.Page * q.Size }

// list is what all pages of one list have in common.
func (q question) list() question {
	q.Page, q.Size = 0, 0
	return q
}

func (s *selection[M]) add(h *hostmgr.Host[M]) {
	if !matches(&s.question, h) {
		return
	}
	s.matched++
	e := entryOf(s.Sort, h, s.began)
	if s.full && s.compare(&e, &s.worst) > 0 {
		return
	}
	s.best = append(s.best, e)
	if len(s.best) == 2*s.depth {
		s.cut()
	}
}

// cut sorts what there is and leaves the best.
func (s *selection[M]) cut() {
	slices.SortFunc(s.best, func(a, b entry) int { return s.compare(&a, &b) })
	if n := s.depth; len(s.best) >= n {
		clear(s.best[n:])
		s.best = s.best[:n]
		s.full, s.worst = true, s.best[n-1]
	}
}

// compare is a total order: an id goes by but once.
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

func matches[M any](q *question, h *hostmgr.Host[M]) bool {
	switch q.State {
	case "":
	case "held":
		if h.Held == "" {
			return false
		}
	default:
		if h.State.String() != q.State {
			return false
		}
	}
	return (q.Zone == "" || q.Zone == h.Zone) && strings.Contains(h.ID, q.Search)
}

// page returns the ids on a page, its number, and how many pages there are. The selection is sorted.
func (s *selection[M]) page(q question) (list []entry, page, pages int) {
	reachable := min(s.matched, maxDepth/q.Size*q.Size)
	pages = max(1, (reachable+q.Size-1)/q.Size)
	page = min(q.Page, pages)
	from := (page - 1) * q.Size
	return s.best[from:min(from+q.Size, len(s.best))], page, pages
}

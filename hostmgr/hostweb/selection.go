package hostweb

import (
	"slices"
	"strings"

	"github.com/hostlife/hostlife/hostmgr"
)

// A selection finds the hosts of one page while all hosts go by once, and keeps no more than twice
// as many as lie up to the end of that page.
type selection[M any] struct {
	question
	matched int
	best    []hostmgr.Host[M]
	full    bool            // there are enough of them:
	worst   hostmgr.Host[M] // what does not come before this one is on a later page
}

// depth is how many hosts there are up to the end of the page.
func (q *question) depth() int { return q.Page * q.Size }

func (s *selection[M]) add(h *hostmgr.Host[M]) {
	if !matches(&s.question, h) {
		return
	}
	s.matched++
	if s.full && s.compare(h, &s.worst) > 0 {
		return
	}
	s.best = append(s.best, *h)
	if len(s.best) == 2*s.depth() {
		s.cut()
	}
}

// cut sorts what there is and leaves the best.
func (s *selection[M]) cut() {
	slices.SortFunc(s.best, func(a, b hostmgr.Host[M]) int { return s.compare(&a, &b) })
	if n := s.depth(); len(s.best) >= n {
		clear(s.best[n:])
		s.best = s.best[:n]
		s.full, s.worst = true, s.best[n-1]
	}
}

// compare is a total order: an id goes by but once.
func (s *selection[M]) compare(a, b *hostmgr.Host[M]) int {
	c := compare(s.Sort, a, b)
	switch {
	case c == 0:
		return strings.Compare(a.ID, b.ID)
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

// hosts returns those of the page, its number, and how many pages there are.
func (s *selection[M]) hosts() (hosts []hostmgr.Host[M], page, pages int) {
	s.cut()
	reachable := min(s.matched, maxDepth/s.Size*s.Size)
	pages = max(1, (reachable+s.Size-1)/s.Size)
	page = min(s.Page, pages)
	from := (page - 1) * s.Size
	return s.best[from:min(from+s.Size, len(s.best))], page, pages
}

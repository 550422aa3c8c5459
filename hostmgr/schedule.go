package hostmgr

import "container/heap"

// A schedule is all pages, the one that needs a look first on top. It knows of
// each page the earliest moment at which one of its lives may need to be looked
// at. That bound is never too late but may be too early: beats do not touch it,
// and a sweep that looks at a page for nothing sets it anew. So a heartbeat costs
// the schedule nothing, and a sweep costs what is due, not what exists.
//
// Guarded by Registry.mu.
type schedule[M any] []bound[M]

// A bound is a page, and when it needs a look.
type bound[M any] struct {
	due  int64 // no life in the page needs a look before
	page *page[M]
}

// next is the earliest moment at which a look is needed.
func (s schedule[M]) next() int64 { return s[0].due }

func (s schedule[M]) due(p *page[M]) int64 { return s[p.rank].due }

func (s *schedule[M]) add(p *page[M], due int64) { heap.Push(s, bound[M]{due, p}) }
func (s *schedule[M]) remove(p *page[M])         { heap.Remove(s, p.rank) }

// hasten makes sure that a page is looked at when due.
func (s *schedule[M]) hasten(p *page[M], due int64) {
	if due < s.due(p) {
		s.set(p, due)
	}
}

// hastenHeld does so for all pages with hosts that are held.
func (s *schedule[M]) hastenHeld(due int64) {
	for i, e := range *s {
		if e.page.held {
			(*s)[i].due = min(e.due, due)
		}
	}
	heap.Init(s)
}

func (s *schedule[M]) set(p *page[M], due int64) {
	(*s)[p.rank].due = due
	heap.Fix(s, p.rank)
}

// Len, Less, Swap, Push and Pop are for container/heap.
func (s schedule[M]) Len() int           { return len(s) }
func (s schedule[M]) Less(i, j int) bool { return s[i].due < s[j].due }

func (s schedule[M]) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].page.rank, s[j].page.rank = i, j
}

func (s *schedule[M]) Push(x any) {
	e := x.(bound[M])
	e.page.rank = len(*s)
	*s = append(*s, e)
}

func (s *schedule[M]) Pop() any {
	last := len(*s) - 1
	e := (*s)[last]
	(*s)[last] = bound[M]{}
	*s = (*s)[:last]
	return e
}

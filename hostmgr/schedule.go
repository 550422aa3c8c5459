package hostmgr

import "container/heap"

// A schedule is all pages, the one that needs a look first on top. It knows of
// each page the earliest moment at which one of its lives may need to be looked
// at. That bound is never too late but may be too early: beats do not touch it,
// and a sweep that looks at a page for nothing sets it anew. So a heartbeat costs
// the schedule nothing, and a sweep costs what is due, not what exists.
//
// Guarded by Registry.mu.
type schedule[M any] []*page[M]

// next is the earliest moment at which a look is needed.
func (s schedule[M]) next() int64 { return s[0].due }

func (s *schedule[M]) add(p *page[M])    { heap.Push(s, p) }
func (s *schedule[M]) remove(p *page[M]) { heap.Remove(s, p.rank) }

// hasten makes sure that a page is looked at when due.
func (s *schedule[M]) hasten(p *page[M], due int64) {
	if due < p.due {
		s.set(p, due)
	}
}

func (s *schedule[M]) set(p *page[M], due int64) {
	p.due = due
	heap.Fix(s, p.rank)
}

// Len, Less, Swap, Push and Pop are for container/heap.
func (s schedule[M]) Len() int           { return len(s) }
func (s schedule[M]) Less(i, j int) bool { return s[i].due < s[j].due }

func (s schedule[M]) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].rank, s[j].rank = i, j
}

func (s *schedule[M]) Push(x any) {
	p := x.(*page[M])
	p.rank = len(*s)
	*s = append(*s, p)
}

func (s *schedule[M]) Pop() any {
	last := len(*s) - 1
	p := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	return p
}

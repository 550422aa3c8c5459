package hostmgr

// A schedule is all pages, the one that needs a look first on top. It knows of
// each page the earliest moment at which one of its lives may need to be looked
// at. That bound is never too late but may be too early: beats do not touch it,
// and a sweep that looks at a page for nothing sets it anew. So a heartbeat costs
// the schedule nothing, and a sweep costs what is due, not what exists.
//
// It is a heap of four children each (D. B. Johnson, 1975), half as deep as one of two:
// what a sweep pays for is every page that moves, for it is told its rank.
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

func (s schedule[M]) set(p *page[M], due int64) { s.settle(p.rank, bound[M]{due, p}) }

// hasten makes sure that a page is looked at when due.
func (s schedule[M]) hasten(p *page[M], due int64) {
	if due < s.due(p) {
		s.set(p, due)
	}
}

// hastenHeld does so for all pages with hosts that are held. Who moves up changes places
// only with those that the loop has seen.
func (s schedule[M]) hastenHeld(due int64) {
	for i := range s {
		if p := s[i].page; len(p.holds) > 0 {
			s.hasten(p, due)
		}
	}
}

// dueBy names the pages that are due by then, by the first of their hashes.
func (s schedule[M]) dueBy(now int64) (due []hash) {
	for at := []int{0}; len(at) > 0; {
		i := at[len(at)-1]
		at = at[:len(at)-1]
		if i >= len(s) || s[i].due > now {
			continue // nor is any below it
		}
		due = append(due, hash(s[i].page.first))
		at = append(at, 4*i+1, 4*i+2, 4*i+3, 4*i+4)
	}
	return due
}

func (s *schedule[M]) add(p *page[M], due int64) {
	b := bound[M]{due, p}
	*s = append(*s, b)
	s.settle(len(*s)-1, b)
}

func (s *schedule[M]) remove(p *page[M]) {
	last := len(*s) - 1
	b := (*s)[last]
	(*s)[last] = bound[M]{}
	*s = (*s)[:last]
	if b.page != p {
		s.settle(p.rank, b)
	}
}

// settle finds a place for b, from i on, which is free: further up, or else further down.
func (s schedule[M]) settle(i int, b bound[M]) {
	for i > 0 && b.due < s[(i-1)/4].due {
		i = s.move((i-1)/4, i)
	}
	for {
		least := s.leastChild(i)
		if least < 0 || s[least].due >= b.due {
			break
		}
		i = s.move(least, i)
	}
	s[i] = b
	b.page.rank = i
}

// move moves a bound, and returns where it was.
func (s schedule[M]) move(from, to int) int {
	s[to] = s[from]
	s[to].page.rank = to
	return from
}

// leastChild is the child of i that is due first, or -1.
func (s schedule[M]) leastChild(i int) int {
	least := 4*i + 1
	if least >= len(s) {
		return -1
	}
	for c := least + 1; c < min(4*i+5, len(s)); c++ {
		if s[c].due < s[least].due {
			least = c
		}
	}
	return least
}

package hostmgr

const pageSize = 512

// A roster holds all lives, densely, in pages, and knows of each page the
// earliest moment at which one of its lives may need to be looked at. That
// bound is never too late but may be too early: beats do not touch it, and a
// sweep that looks at a page for nothing sets it anew. So a heartbeat costs the
// schedule nothing, and a sweep costs what is due (plus a glance at the bounds),
// not what exists.
//
// Guarded by Registry.mu.
type roster[M any] struct {
	pages []*page[M]
	n     int
}

type page[M any] struct {
	due   int64 // no life in here needs a look before
	held  bool  // a life in here is due but held
	lives [pageSize]*life[M]
}

func (r *roster[M]) at(i int) *life[M] { return r.pages[i/pageSize].lives[i%pageSize] }

func (r *roster[M]) put(i int, l *life[M]) {
	r.pages[i/pageSize].lives[i%pageSize] = l
	if l != nil {
		l.position = i
	}
}

// add takes in a life that needs no look before due.
func (r *roster[M]) add(l *life[M], due int64) {
	if r.n == len(r.pages)*pageSize {
		r.pages = append(r.pages, &page[M]{due: never})
	}
	r.put(r.n, l)
	r.n++
	r.hasten(l, due)
}

// remove fills the gap with the last life, whose page's bound comes along.
func (r *roster[M]) remove(l *life[M]) {
	r.n--
	hole, last := r.pages[l.position/pageSize], r.pages[r.n/pageSize]
	r.put(l.position, r.at(r.n))
	r.put(r.n, nil)
	hole.due, hole.held = min(hole.due, last.due), hole.held || last.held
	if r.n%pageSize == 0 {
		r.dropPage()
	}
}

// dropPage gives the last page back, and the room for pages when three quarters
// of it are unused: after a mass departure nothing stays.
func (r *roster[M]) dropPage() {
	k := len(r.pages) - 1
	r.pages[k] = nil
	r.pages = r.pages[:k]
	if cap(r.pages) > 64 && k < cap(r.pages)/4 {
		r.pages = append(make([]*page[M], 0, 2*k), r.pages...)
	}
}

// hasten makes sure that the life is looked at when due.
func (r *roster[M]) hasten(l *life[M], due int64) {
	p := r.pages[l.position/pageSize]
	p.due = min(p.due, due)
}

// next is the earliest moment at which a look is needed.
func (r *roster[M]) next() int64 {
	next := never
	for _, p := range r.pages {
		next = min(next, p.due)
	}
	return next
}

// due lists the pages to look at now, the last one first: removing a life moves
// only one that has been passed already. With held also those that have a held
// life in them.
func (r *roster[M]) due(now int64, held bool) (pages []int) {
	for i := len(r.pages) - 1; i >= 0; i-- {
		if p := r.pages[i]; p.due <= now || held && p.held {
			pages = append(pages, i)
		}
	}
	return pages
}

// size is how many lives page i has.
func (r *roster[M]) size(i int) int { return min(pageSize, r.n-i*pageSize) }

// list copies all lives.
func (r *roster[M]) list() []*life[M] {
	lives := make([]*life[M], 0, r.n)
	for i, p := range r.pages {
		lives = append(lives, p.lives[:r.size(i)]...)
	}
	return lives
}

package hostmgr

// JoinUnder lets a host join under the hash of another id, as if both had the same one.
func (r *Registry[M]) JoinUnder(other string, a Announcement[M]) error {
	if err := check(&a); err != nil {
		return err
	}
	o := r.offer(a.Interval, 0)
	h := r.table.hash(other)
	now := r.lock()
	defer r.unlock()
	r.table.room(h)
	_, err := r.join(a, h, o, now, now, 0)
	return err
}

// IsTwin tells whether the beats of a host take the lock.
func (r *Registry[M]) IsTwin(id string) bool {
	r.rlock()
	defer r.mu.RUnlock()
	l, ok := r.table.exactly(r.table.hash(id), id)
	return ok && l.key().isTwin()
}

// Lend lends heartbeats the time, as Run does while they are many.
func (r *Registry[M]) Lend() {
	now := r.lock()
	defer r.unlock()
	r.replaceLent(now + int64(lendAhead))
}

// TakeBack is what Run does when it ends.
func (r *Registry[M]) TakeBack() { r.takeBack() }

// Lent tells whether heartbeats do without the clock.
func (r *Registry[M]) Lent() bool { return r.lender.stamp.Load() != 0 }

const (
	LendAhead  = lendAhead
	MaxOverdue = maxOverdue
)

// Overdue is how many stamps that were lent for too long are remembered.
func (r *Registry[M]) Overdue() int { return len(r.lender.overdue) }

// Directory is how many places the table's directory has.
func (r *Registry[M]) Directory() int { return len(r.table.directory.Load().pages) }

// A Schedule is one of pages, by the numbers that they were added in.
type Schedule struct {
	heap  schedule[int]
	pages []*page[int]
}

// Add adds a page; each fourth has hosts that are held.
func (s *Schedule) Add(due int64) {
	p := &page[int]{first: uint64(len(s.pages))}
	s.pages = append(s.pages, p)
	if s.Held(len(s.pages) - 1) {
		p.holds = map[uint16]hold{1: {}}
	}
	s.heap.add(p, due)
}

func (s *Schedule) Held(i int) bool         { return i%4 == 0 }
func (s *Schedule) Remove(i int)            { s.heap.remove(s.pages[i]) }
func (s *Schedule) Set(i int, due int64)    { s.heap.set(s.pages[i], due) }
func (s *Schedule) Hasten(i int, due int64) { s.heap.hasten(s.pages[i], due) }
func (s *Schedule) HastenHeld(due int64)    { s.heap.hastenHeld(due) }
func (s *Schedule) Due(i int) int64         { return s.heap.due(s.pages[i]) }

// First is the page on top, and when it is due.
func (s *Schedule) First() (i int, due int64) { return int(s.heap[0].page.first), s.heap.next() }

// DueBy is the pages that are due by then.
func (s *Schedule) DueBy(now int64) (pages []int) {
	for _, first := range s.heap.dueBy(now) {
		pages = append(pages, int(first))
	}
	return pages
}

package hostmgr

import "iter"

// Get returns the host as it is now, or false if it is not there.
func (r *Registry[M]) Get(id string) (Host[M], bool) {
	now := r.rlock()
	defer r.mu.RUnlock()
	l, ok := r.index.Load(id)
	if !ok {
		return Host[M]{}, false
	}
	return r.snapshot(l, now), true
}

// Len is the number of hosts that are there, in O(1).
func (r *Registry[M]) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.roster.n
}

// All yields every host that is there when the loop begins and still there when
// its turn comes, in no particular order, each as it is then. The loop body may
// call the registry. It costs a pointer of memory for each host while it runs.
func (r *Registry[M]) All() iter.Seq[Host[M]] {
	return func(yield func(Host[M]) bool) {
		r.mu.RLock()
		lives := r.roster.list()
		r.mu.RUnlock()
		r.each(lives, false, yield)
	}
}

// each yields snapshots of lives, taken a page at a time, with no lock held
// while it yields. It tells whether it came to the end.
func (r *Registry[M]) each(lives []*life[M], departed bool, yield func(Host[M]) bool) bool {
	hosts := make([]Host[M], 0, min(len(lives), pageSize))
	for len(lives) > 0 {
		k := min(len(lives), pageSize)
		hosts = r.snapshots(hosts[:0], lives[:k], departed)
		for _, h := range hosts {
			if !yield(h) {
				return false
			}
		}
		clear(lives[:k]) // a slow reader must not keep what departs meanwhile
		lives = lives[k:]
	}
	return true
}

// snapshots appends what the lives are now. One that is over is shown as it ended
// (departed), or as the life that its id has now, if any.
func (r *Registry[M]) snapshots(to []Host[M], lives []*life[M], departed bool) []Host[M] {
	now := r.rlock()
	defer r.mu.RUnlock()
	for _, l := range lives {
		there := true
		if !departed && l.word.v.Load() < 0 {
			l, there = r.index.Load(l.id)
		}
		if there {
			to = append(to, r.snapshot(l, now))
		}
	}
	return to
}

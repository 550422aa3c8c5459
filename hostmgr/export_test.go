package hostmgr

// JoinUnder lets a host join under the hash of another id, as if both had the same one.
func (r *Registry[M]) JoinUnder(other string, a Announcement[M]) error {
	t, err := r.check(&a)
	if err != nil {
		return err
	}
	h := r.table.hash(other)
	now := r.lock()
	defer r.unlock()
	r.table.room(h)
	_, err = r.join(a, h, t, now, now)
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

const LendAhead = lendAhead

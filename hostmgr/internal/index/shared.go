package index

// What follows is for hosts that several registries share. All of it needs the lock.

// Keeper returns the number that SetKeeper stored last, at first 0.
func (e Entry) Keeper() uint8 {
	if !e.Mirrored() { // the record need not be fetched
		return 0
	}
	return e.record().keeper
}

// SetKeeper stores the number of the keeper of a host, 0 for this registry.
func (e Entry) SetKeeper(keeper uint8) {
	e.record().keeper = keeper
	e.meta().set(mirroredFlag, keeper != 0)
}

// Mirrored reports whether Keeper is not 0.
func (e Entry) Mirrored() bool { return e.meta().is(mirroredFlag) }

// Doubted reports whether the keeper of a mirrored host suspects it.
func (e Entry) Doubted() bool { return e.meta().is(doubtedFlag) }

// SetDoubted sets what Doubted returns.
func (e Entry) SetDoubted(on bool) { e.meta().set(doubtedFlag, on) }

// Assigned reports whether a registry has assigned the incarnation.
func (e Entry) Assigned() bool { return e.meta().is(assignedFlag) }

// SetAssigned sets what Assigned returns.
func (e Entry) SetAssigned(on bool) { e.meta().set(assignedFlag, on) }

// Renumbered reports whether the host was told other numbers before than those of the entry.
func (e Entry) Renumbered() bool { return e.meta().is(renumberedFlag) }

// SetRenumbered makes Renumbered return true.
func (e Entry) SetRenumbered() { e.meta().set(renumberedFlag, true) }

// Changed returns what SetChanged stored last, at first false.
func (e Entry) Changed() bool { return e.meta().is(changedFlag) }

// SetChanged sets what Changed returns.
func (e Entry) SetChanged(on bool) { e.meta().set(changedFlag, on) }

// Announced returns what SetAnnounced stored last, at first false.
func (e Entry) Announced() bool { return e.meta().is(announcedFlag) }

// SetAnnounced sets what Announced returns.
func (e Entry) SetAnnounced(on bool) { e.meta().set(announcedFlag, on) }

// Inherit takes over the arrival history of another entry of the same host, which has the same
// interval. An answer of the policies that is under way comes too late: see Outdate. It does
// nothing in an index that keeps no history.
func (e Entry) Inherit(from Entry) {
	a := e.bucket.arrivals
	if a == nil || e.Interval() != from.Interval() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list[e.slot] = a.list[from.slot]
	a.list[e.slot].Outdate()
}

// NeverHeard reports whether a word of Entry.Word is that of a host that was inserted without a
// contact: with Earliest.
func NeverHeard(word int64) bool { return ContactOf(word) == Earliest }

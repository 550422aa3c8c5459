package hostmgr

import "github.com/hostlife/hostlife/hostmgr/internal/index"

// Heartbeat records that a host is alive. It does not allocate and normally takes no lock. It takes
// the lock if the host is suspect, or if the advised interval has grown. With a Shadow, a Recorder
// or a HistoryPolicy it also takes the lock if the heartbeat is late.
//
// After a Heartbeat without error the host is not evicted before its timeout has passed, counted
// from a clock reading within the call. This holds against a sweep at that very moment: an eviction
// compares the last contact and ends the registration in one atomic step.
//
// Incarnation 0 means the current registration. ErrUnknownHost asks the host to announce itself
// again. ErrStale tells an older incarnation that there is a newer one, which Ack.Incarnation then
// names. If the id is not registered, Heartbeat does not register it: a message that arrives after
// its host has left brings nothing back.
func (r *Registry[M]) Heartbeat(id string, incarnation uint64) (Ack, error) {
	now := r.clock.Now() // first: reading the clock waits for earlier loads from memory
	h := r.index.Hash(id)
	if !r.tracksGaps && now > r.restoredAt.Load() {
		if header, ok := r.index.Touch(h, incarnation, now); ok {
			if r.advisor == nil {
				return Ack(header), nil
			}
			return r.advise(h, id, Ack(header), now), nil
		}
	}
	return r.slowHeartbeat(h, id, incarnation, now)
}

// slowHeartbeat records a heartbeat that Index.Touch refused, most often because the host is
// suspect, or a heartbeat whose gap must be recorded, or one at the very time of a Restore.
func (r *Registry[M]) slowHeartbeat(h index.Hash, id string, incarnation uint64, now int64) (Ack, error) {
	c := contact[M]{r, h, id, incarnation, now}
	ack, err := c.touch()
	if err == nil && r.advisor != nil {
		ack = r.advise(h, id, ack, now)
	}
	return ack, err
}

// advise puts the advised interval into the answer to a heartbeat. If the advice is longer than the
// interval of the host's timeouts, it first computes the timeouts from the advice. So the host has
// the longer timeout before it is told the longer interval. An Announce at the same time may make
// the interval shorter again; the host then may follow either answer.
func (r *Registry[M]) advise(h index.Hash, id string, ack Ack, now int64) Ack {
	had, most := ack.Interval, r.advisor.Interval(now)
	if had == Never {
		return ack
	}
	if had < most {
		c := contact[M]{r: r, hash: h, id: id}
		if !c.lengthen(ack.Registration, r.advisor.EffectiveInterval(had, most)) {
			return ack // of a registration that has ended
		}
	}
	ack.Interval = r.advisor.Pick(ack.Registration, had, most, now)
	return ack
}

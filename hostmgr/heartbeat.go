package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Heartbeat records that a host is alive. It does not allocate and normally takes no lock. It locks
// if the host is suspect; if the advised interval has grown; and, with a Shadow, a Recorder or a
// HistoryPolicy, if the heartbeat is late.
//
// Incarnation 0 means the current registration. ErrUnknownHost asks the host to announce itself
// again; ErrStale tells a former incarnation that there is a newer one.
func (r *Registry[M]) Heartbeat(id string, incarnation uint64) (Ack, error) {
	now := r.clock.Now() // before all else: a clock waits for memory that was asked for before
	h := r.index.Hash(id)
	if !r.tracksGaps {
		if header, ok := r.index.Touch(h, incarnation, now); ok {
			if r.advisor == nil {
				return Ack(header), nil
			}
			return r.advise(h, id, Ack(header), now), nil
		}
	}
	return r.slowHeartbeat(h, id, incarnation, now)
}

// slowHeartbeat is a heartbeat that index.Touch did not settle, or whose gap matters.
func (r *Registry[M]) slowHeartbeat(h index.Hash, id string, incarnation uint64, now int64) (Ack, error) {
	c := contact[M]{r, h, id, incarnation, now}
	ack, err := c.record()
	if err == nil && r.advisor != nil {
		ack = r.advise(h, id, ack, now)
	}
	return ack, err
}

// advise puts the advised interval into the answer to a heartbeat. If that is longer
// than the interval that the host's timeouts are computed from, they are computed from the advised one before the host is told.
// (An Announce at the same time may make that shorter again; which of the two answers
// the host follows is then its choice.)
func (r *Registry[M]) advise(h index.Hash, id string, ack Ack, now int64) Ack {
	had, most := ack.Interval, r.advisor.Interval(now)
	if had < most && !r.lengthen(h, id, ack.Registration, r.advisor.EffectiveInterval(had, most)) {
		return ack // of a registration that has ended
	}
	ack.Interval = r.advisor.Pick(ack.Registration, had, most, now)
	return ack
}

// lengthen has a host judged by an interval that is longer than its own.
func (r *Registry[M]) lengthen(h index.Hash, id string, registration uint64, interval time.Duration) (ok bool) {
	t := r.policies.timeouts(interval)
	s, now := r.lock()
	defer r.unlock()
	e, ok := s.find(h, id, registration)
	if ok && e.Interval() < interval {
		s.setTimeouts(e, t, now)
	}
	return ok
}

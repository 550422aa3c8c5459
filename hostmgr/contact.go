package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Observe is a contact that happened elsewhere, age ago: it counts as if
// it had come here then. One that is older than the last known contact changes nothing.
// A negative age counts as zero. The errors are those of Heartbeat.
func (r *Registry[M]) Observe(id string, incarnation uint64, age time.Duration) error {
	now := r.clock.Now()
	c := contact[M]{r, r.index.Hash(id), id, incarnation, now - min(now, max(0, int64(age)))}
	_, err := c.record()
	if err == nil && r.policies.needHistory && c.at < now {
		c.recheck()
	}
	return err
}

// A contact is a heartbeat, or an observation, on its slow path. Its methods are called without any lock.
type contact[M any] struct {
	r           *Registry[M]
	hash        index.Hash
	id          string
	incarnation uint64 // 0: the current one
	at          int64
}

// record records the contact. If the registration ends meanwhile it looks again: the host
// may have another one by now.
func (c *contact[M]) record() (Ack, error) {
	for {
		e, ok := c.r.index.Find(c.hash)
		if !ok {
			return Ack{}, ErrUnknownHost
		}
		if e.Collides() {
			return c.recordByID()
		}
		if err := admits(e.Incarnation(), c.incarnation); err != nil {
			return Ack{}, err
		}
		ack := Ack(e.Header())
		if was, live := e.Touch(c.at); live {
			c.after(e, was)
			return ack, nil
		}
	}
}

// admits keeps other incarnations out: the past is ErrStale, the future is not
// registered yet.
func admits(current, incarnation uint64) error {
	switch {
	case incarnation == 0 || incarnation == current:
		return nil
	case incarnation < current:
		return ErrStale
	default:
		return ErrUnknownHost
	}
}

// after does what else a contact needs. Most need no lock: only the contact of a suspect does,
// and a late one where its gap matters.
func (c *contact[M]) after(e index.Entry, was int64) {
	needHistory := c.r.policies.needHistory
	gap := c.at - index.ContactOf(was)
	switch late := c.r.tracksGaps && c.r.isNotable(e, gap); {
	case late || index.IsSuspect(was):
		c.afterLocked(e, was)
	case needHistory && gap > 0 && !e.Learn(gap):
		c.afterLocked(e, was) // the entry has moved
	}
	if needHistory {
		c.r.updateTimeouts(e, c.id)
	}
}

// isNotable tells whether a gap is worth a record. It may ask the policy.
func (p *parts[M]) isNotable(e index.Entry, gap int64) bool {
	t := *p.policies.timeouts(e.Interval())
	if p.policies.needHistory {
		arrivals, _, _ := e.Arrivals()
		t = arrivals.Override(t)
	}
	return t.Notable(gap)
}

// afterLocked is the rare part of after.
func (c *contact[M]) afterLocked(e index.Entry, was int64) {
	s, now := c.r.lock()
	defer c.r.unlock()
	if e, ok := s.index.Current(e, c.id); ok {
		s.addGap(e, was, c.at, now)
		s.reassess(e, now)
	}
}

// recordByID is record for the few hosts whose hash collides with that of another id.
func (c *contact[M]) recordByID() (Ack, error) {
	e, ack, err := c.recordLocked()
	if err == nil && c.r.policies.needHistory {
		c.r.updateTimeouts(e, c.id)
	}
	return ack, err
}

func (c *contact[M]) recordLocked() (index.Entry, Ack, error) {
	s, now := c.r.lock()
	defer c.r.unlock()
	e, err := s.findFor(c.hash, c.id, c.incarnation)
	if err != nil {
		return e, Ack{}, err
	}
	s.touch(e, c.at, now)
	return e, Ack(e.Header()), nil
}

// recheck has a host checked in time whose contact was some time ago, and whose timeouts it may have
// changed: the scheduled check did not know of it.
func (c *contact[M]) recheck() {
	s, now := c.r.lock()
	defer c.r.unlock()
	if e, ok := s.index.Lookup(c.hash, c.id); ok {
		s.reassess(e, now) // it may have been given more time, too
		s.scheduleCheck(e, c.at+e.Timeouts().MinTimeout(false)+1)
	}
}

// updateTimeouts asks the history policies for the timeouts of a host. It must be called without any lock.
// Until they have answered, the timeouts of before count, which are as good: they run from a contact
// whose call has not returned yet.
func (r *Registry[M]) updateTimeouts(e index.Entry, id string) {
	arrivals, interval, current := e.Arrivals()
	for ; !current; arrivals, interval, current = e.Arrivals() {
		if e, current = r.current(e, id); !current {
			return
		}
	}
	history := arrivals.History(interval)
	if history.Count == 0 {
		return
	}
	t := r.policies.timeoutsByHistory(history)
	for !e.Answer(&t, &arrivals) {
		if e, current = r.current(e, id); !current {
			return
		}
	}
}

// current finds an entry that has moved; ok is false if its registration has ended. It waits until a rebuild
// that moves it is done.
func (r *Registry[M]) current(e index.Entry, id string) (now index.Entry, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.index.Current(e, id)
}

package hostmgr

import (
	"errors"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Observe records a contact that happened elsewhere, age ago. It counts as if it had come here at
// that time. A contact before the last known contact changes nothing. Observe returns the same
// errors as Heartbeat, and an error that wraps ErrInvalid for a negative age. Such an age comes
// from clocks that disagree: taken for zero, it would keep a host alive that is dead.
func (r *Registry[M]) Observe(id string, incarnation uint64, age time.Duration) error {
	if age < 0 {
		return fmt.Errorf("%w: age %v is negative", ErrInvalid, age)
	}
	now := r.clock.Now()
	c := contact[M]{r, r.index.Hash(id), id, incarnation, now - int64(age)}
	_, err := c.touch()
	if err == nil && r.policies.needHistory && c.at < now {
		c.recheck()
	}
	return err
}

// A contact is a heartbeat, or an observation, on its slow path. Its methods are called with no
// lock held.
type contact[M any] struct {
	r           *Registry[M]
	hash        index.Hash
	id          string
	incarnation uint64 // 0: the current one
	at          int64  // negative: before the registry was made
}

// touch records the contact. If the registration ends meanwhile, it looks again: the host may have
// a new registration by then.
func (c *contact[M]) touch() (Ack, error) {
	for {
		e, ok := c.r.index.Find(c.hash)
		if !ok {
			return Ack{}, ErrUnknownHost
		}
		if e.Collides() {
			return c.touchByID()
		}
		if err := admits(e.Incarnation(), c.incarnation); err != nil {
			if c.r.shared.Load() { // the host may have been told this one: see findFor
				return c.touchByID()
			}
			return refusal(e, err), err
		}
		ack := Ack(e.Header())
		if was, live := e.Touch(c.at); live {
			c.afterTouch(e, was)
			return ack, nil
		}
	}
}

// admits refuses other incarnations: an older one with ErrStale, a newer one, which is not
// registered yet, with ErrUnknownHost.
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

// refusal returns the Ack for an error of admits: with ErrStale, it names the incarnation that
// refuses.
func refusal(e index.Entry, err error) (ack Ack) {
	if errors.Is(err, ErrStale) {
		ack.Incarnation = e.Incarnation()
	}
	return ack
}

// afterTouch updates everything that depends on a contact. It takes the lock only if the host was
// suspect, if its gap must be recorded, if its entry has moved, or if the contact was not after the
// latest Restore: then the word of a restored host does not tell.
func (c *contact[M]) afterTouch(e index.Entry, was int64) {
	needHistory := c.r.policies.needHistory
	gap := c.at - index.ContactOf(was)
	switch notable := c.r.tracksGaps && c.isNotable(e, gap); {
	case notable || index.IsSuspect(was) || c.at <= c.r.restoredAt.Load():
		c.afterTouchLocked(e, was)
	case needHistory && gap > 0 && !e.Learn(gap):
		c.afterTouchLocked(e, was) // the entry has moved
	}
	if needHistory {
		c.updateTimeouts(e)
	}
}

// isNotable reports whether a gap is worth a record. Without the lock it may ask the policies. If
// they may use the zone, the lock is needed for that, and then the timeouts themselves are at hand.
func (c *contact[M]) isNotable(e index.Entry, gap int64) bool {
	if c.r.policies.foreign {
		return c.isNotableLocked(e, gap)
	}
	t := c.r.policies.timeouts(question{interval: e.Interval()})
	return notable(e, *t, gap, c.r.policies.needHistory)
}

// isNotableLocked reports that a gap is worth a record if the entry has moved: afterTouchLocked
// then finds it.
func (c *contact[M]) isNotableLocked(e index.Entry, gap int64) bool {
	v := c.r.peek()
	defer c.r.mu.RUnlock()
	e, ok := v.index.Current(e, c.id)
	return !ok || notable(e, *e.Timeouts(), gap, v.policies.needHistory)
}

func notable(e index.Entry, t detector.Timeouts, gap int64, needHistory bool) bool {
	if needHistory {
		arrivals, _, _ := e.Arrivals()
		t = arrivals.Override(t)
	}
	return t.Notable(gap)
}

// afterTouchLocked is the part of afterTouch that needs the lock.
func (c *contact[M]) afterTouchLocked(e index.Entry, was int64) {
	s, now := c.r.lock()
	defer c.r.unlock()
	if e, ok := s.index.Current(e, c.id); ok {
		s.addGap(e, was, c.at, now)
		s.local.noteContact(e, was, &s.todo.wake)
		s.heard(e, c.at, now)
		s.reassess(e, now)
	}
}

// touchByID is touch for a host with the hash of another id, and in a shared registry for a host
// with another incarnation. There are few such hosts.
func (c *contact[M]) touchByID() (Ack, error) {
	e, ack, err := c.touchLocked()
	if err == nil && c.r.policies.needHistory {
		c.updateTimeouts(e)
	}
	return ack, err
}

func (c *contact[M]) touchLocked() (index.Entry, Ack, error) {
	s, now := c.r.lock()
	defer c.r.unlock()
	e, err := s.findFor(c.hash, c.id, c.incarnation)
	if err != nil {
		return e, refusal(e, err), err
	}
	s.touch(e, c.at, now)
	return e, Ack(e.Header()), nil
}

// recheck schedules the check of a host after a contact in the past, which may have changed its
// timeouts. The check that was scheduled before does not account for them.
func (c *contact[M]) recheck() {
	s, now := c.r.lock()
	defer c.r.unlock()
	if e, ok := s.index.Lookup(c.hash, c.id); ok {
		s.recheck(e, now) // its timeout may also have grown
	}
}

// updateTimeoutsOf is updateTimeouts for the registration that an Announce has made or refreshed.
func (c *contact[M]) updateTimeoutsOf(registration uint64) {
	e, ok := c.r.peek().find(c.hash, c.id, registration)
	c.r.mu.RUnlock()
	if ok {
		c.updateTimeouts(e)
	}
}

// updateTimeouts asks the history policies for new timeouts of a host, with no lock held. Until
// they have answered, the former timeouts apply. They are as good: they count from a contact of
// which the call has not returned yet.
func (c *contact[M]) updateTimeouts(e index.Entry) {
	arrivals, interval, current := e.Arrivals()
	for ; !current; arrivals, interval, current = e.Arrivals() {
		if e, current = c.current(e); !current {
			return
		}
	}
	a := arrivals.History(interval)
	h := History{Interval: a.Interval, Mean: a.Mean, Deviation: a.Deviation, Count: a.Count}
	if c.r.policies.foreign { // only now: after a change of the zone, the answer comes too late
		h.Zone, h.Evictions = c.background(e)
	}
	if h.Count == 0 && h.Evictions == 0 && !arrivals.Known() {
		return // Timeouts has the answer; a former one must be replaced, even if it came from evictions
	}
	t := c.r.policies.timeoutsByHistory(h)
	for !e.Answer(&t, &arrivals) {
		if e, current = c.current(e); !current {
			return
		}
	}
}

// background returns what the policies are told about a host besides its contacts.
func (c *contact[M]) background(e index.Entry) (zone string, evictions int) {
	v := c.r.peek()
	defer c.r.mu.RUnlock()
	if e, ok := v.index.Current(e, c.id); ok {
		zone, evictions = v.zones.of(e), v.flapping.Evictions(uint64(c.hash))
	}
	return zone, evictions
}

// current finds an entry again after it has moved; ok is false if its registration has ended. It
// waits until the rebuild that moves the entry is done.
func (c *contact[M]) current(e index.Entry) (now index.Entry, ok bool) {
	v := c.r.peek()
	defer c.r.mu.RUnlock()
	return v.index.Current(e, c.id)
}

package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Every transition of a host is here, once: join, refresh, replace, suspect, recover, hold,
// release, depart. Each needs the lock. A late contact of a suspect comes by reassess to recover.

// A job is the cleanup of one departure.
type job[M any] = cleanup.Job[*Departure[M]]

// A past is what is known of a host that joins.
type past struct {
	joined       int64
	contact      int64  // from which its silence counts
	last         int64  // the last contact: before that, if Restore registers the host
	registration uint64 // 0: the next one
}

// join begins the registration of an id that is not registered. The caller has looked it up, and
// has reserved room in the index.
func (s *state[M]) join(a *Announcement[M], h index.Hash, q *quote, now int64, p past) (Ack, error) {
	if s.cfg.MaxHosts > 0 && s.limiter.Hosts() >= s.cfg.MaxHosts {
		s.counts.Refused++
		return Ack{}, ErrFull
	}
	if evicted, ok := s.shadow.joined(h, p.contact, now); ok {
		s.flapping.Add(uint64(h), a.ID, evicted, now)
	}
	e := s.insert(a, h, q.timeouts, p)
	s.zones.enter(e, s.limiter.Enter(a.Zone), a.Zone)
	s.account(e, p.contact, now)
	s.limiter.CreditJoin(e.Zone())
	return s.ack(e, q.had, q.most, now), nil
}

// refresh applies an announcement to the current registration. An empty zone means the zone that
// the host has.
func (s *state[M]) refresh(e index.Entry, a *Announcement[M], q *quote, now int64) Ack {
	had, at := e.Interval(), now
	if a.LastContact != (time.Time{}) { // here, because most refreshes need no call
		at = a.contact(s.clock, now)
	}
	s.touch(e, at, now) // before its zone changes
	if s.policies.foreign && a.Zone != "" && a.Zone != s.zones.of(e) {
		e.Outdate() // the policies may answer otherwise in another zone
	}
	if e.Suspect() { // the contact was long ago
		s.zones.moveSuspect(e, s.holds.of(e).awaitsLimit, a.Zone)
	} else {
		s.zones.move(e, a.Zone)
	}
	s.setMetadata(e, &a.Metadata, nil)
	s.setTimeouts(e, q.timeouts, at, now)
	s.emit(EventUpdated, e, nil, now)
	return s.ack(e, had, q.most, now)
}

// setMetadata also notes the change for each Update under way. by is the one that it is for, or
// nil.
func (s *state[M]) setMetadata(e index.Entry, m *M, by *updateCall) {
	s.metadata.store(e, m)
	if len(s.updates.of) > 0 {
		s.updates.changed(e.Hash(), by)
	}
}

// replace begins a new registration and ends the old one. The index has the new one before the old
// one ends, so a heartbeat always finds one of the two (promise 1). Watchers see the departure
// first. The new registration takes the place of the old one in its zone, because it is the same
// host.
func (s *state[M]) replace(old index.Entry, a *Announcement[M], h index.Hash, q *quote, now int64) Ack {
	s.track(q.timeouts, 1, now) // so that the stall threshold does not change in between
	defer s.track(q.timeouts, -1, now)
	zone, at := old.Zone(), a.contact(s.clock, now)
	e := s.insert(a, h, q.timeouts, past{at, at, at, 0})
	if a.Incarnation > old.Incarnation() {
		s.fence.End(uint64(h), old.Incarnation(), now)
	}
	s.depart(old, DepartureReplaced, nil, now)
	s.zones.enter(e, s.limiter.Move(zone, a.Zone), a.Zone)
	s.account(e, at, now)
	return s.ack(e, q.had, q.most, now)
}

// insert puts a new registration into the index.
func (s *state[M]) insert(a *Announcement[M], h index.Hash, t *detector.Timeouts, p past) index.Entry {
	incarnation, assigns := a.Incarnation, a.Incarnation == 0
	if assigns {
		s.incarnation++
		incarnation = s.incarnation
	}
	if s.registrations = max(s.registrations, p.registration); p.registration == 0 {
		s.registrations++
		p.registration = s.registrations
	}
	e := s.index.Insert(h, &index.Host{
		ID: a.ID, Timeouts: t, Incarnation: incarnation, Registration: p.registration, Contact: p.contact, Joined: p.joined,
	})
	e.SetAssigned(assigns)
	s.setMetadata(e, &a.Metadata, nil)
	if p.last < p.contact {
		s.restored.add(e, p.contact, p.last)
	}
	return e
}

// account counts a new registration that its zone has counted already, and reports it.
func (s *state[M]) account(e index.Entry, contact, now int64) {
	s.track(e.Timeouts(), 1, now)
	s.checkAfterContact(e, contact)
	s.advisor.Joined(s.limiter.Hosts(), now)
	s.counts.Joins++
	s.recorder.joined(e, now)
	s.emit(EventJoined, e, nil, now)
}

// touch records a contact.
func (s *state[M]) touch(e index.Entry, at, now int64) {
	was, _ := e.Touch(at)
	if s.tracksGaps {
		s.addGap(e, was, at, now)
	}
	s.local.noteContact(e, was, &s.todo.wake)
	s.heard(e, at, now)
	s.reassess(e, now)
}

// heard notes a contact of a host that Restore may have registered, or that its keeper may suspect.
func (s *state[M]) heard(e index.Entry, at, now int64) {
	if len(s.restored.hosts) > 0 {
		s.restored.heard(e, at)
	}
	if s.vouches != nil {
		s.vouches.heard(e, s.stalls, s.policies.needHistory, now)
	}
}

// addGap records the gap before a contact, for the recorder, the shadow and the arrival history.
// The word of the entry has the contact already; the timeouts are from before it.
func (s *state[M]) addGap(e index.Entry, was, at, now int64) {
	last := index.ContactOf(was)
	if at <= last || e.Mirrored() || index.NeverHeard(was) { // the last contact was elsewhere
		return
	}
	var a assessment
	a.learn(e, s.policies.needHistory)
	if t := a.timeouts(e); t.Notable(at - last) {
		s.shadow.contact(t, last, at)
		s.recorder.silence("late", e, &a, s.holds.of(e), last, at)
	}
	if s.policies.needHistory {
		e.Learn(at - last - s.stalls.Common().Between(last, at, now))
	}
}

// setTimeouts changes the timeouts of a host that has made contact at a time.
func (s *state[M]) setTimeouts(e index.Entry, t *detector.Timeouts, at, now int64) {
	if *t != *e.Timeouts() {
		s.replaceTimeouts(e, t, now)
		s.reassess(e, now) // a sweep may have been quicker than the contact
	}
	s.checkAfterContact(e, at)
}

func (s *state[M]) replaceTimeouts(e index.Entry, t *detector.Timeouts, now int64) {
	s.track(t, 1, now)
	s.track(e.Timeouts(), -1, now)
	e.SetTimeouts(t)
}

// recheck assesses a suspect again, and schedules the check of a host, after its timeouts have
// changed without a contact.
func (s *state[M]) recheck(e index.Entry, now int64) {
	s.reassess(e, now)
	s.scheduleCheck(e, index.ContactOf(e.Word())+e.Timeouts().MinTimeout(false)+1)
}

// suspect marks a host that was assessed as suspect or due. It returns false, and changes nothing,
// if there was a contact since the assessment, which is then out of date.
func (s *state[M]) suspect(e index.Entry, a *assessment, now int64) (ok bool) {
	if !e.MarkSuspect(a.Word) {
		return false
	}
	a.Word = index.WithSuspect(a.Word)
	if !e.Suspect() {
		e.SetSuspect(true)
		s.limiter.Suspect(e.Zone(), 1)
		s.counts.Suspected++
		s.emit(EventSuspected, e, a, now)
	}
	return true
}

// reassess ends the suspicion of a host if a contact or a longer timeout is a reason to. A contact
// too far in the past leaves the host suspect. Then reassess sets the suspect bit of the contact
// word again, so that the next contact calls it too. If that contact comes at this moment the swap
// fails, and the host is assessed again.
func (s *state[M]) reassess(e index.Entry, now int64) {
	if e.Suspect() { // few hosts are; the rest must not pay for what follows
		s.reassessSuspect(e, now)
	}
}

func (s *state[M]) reassessSuspect(e index.Entry, now int64) {
	var a assessment
	for e.Suspect() {
		s.assess(&a, e, now)
		switch stays := a.State >= detector.StateSuspect; {
		case stays && e.MarkSuspect(a.Word):
			if a.State == detector.StateSuspect {
				s.release(e)
			}
			return
		case !stays && e.ClearSuspect(a.Word): // the bit is set if it was given more time without a contact
			s.recover(e, &a, now)
		}
	}
}

// recover ends the suspicion of a host.
func (s *state[M]) recover(e index.Entry, a *assessment, now int64) {
	e.SetSuspect(false)
	s.limiter.Suspect(e.Zone(), -1)
	s.release(e)
	s.counts.Recovered++
	s.emit(EventRecovered, e, a, now)
	s.scheduleCheck(e, a.Next(false))
}

// hold begins to hold a host that is due, or changes the reason.
func (s *state[M]) hold(e index.Entry, h hold, now int64) {
	was := s.holds.of(e)
	if e.Held() && h == was {
		return
	}
	if !e.Held() {
		s.limiter.Held(e.Zone(), 1)
		e.SetHeld(true)
	}
	if h.awaitsLimit != was.awaitsLimit {
		s.limiter.Wait(e.Zone(), h.awaitsLimit)
	}
	if h.byLimit() && !was.byLimit() {
		s.counts.HeldByLimit++
		s.recorder.held(e, h.limit.String(), now)
	}
	if s.holds == nil {
		s.holds = holds{}
	}
	s.holds[keyOf(e)] = h
}

// release ends the hold of a host, if there is one. It drops the map with its last entry, because
// maps do not shrink.
func (s *state[M]) release(e index.Entry) {
	if !e.Held() {
		return
	}
	h := s.holds.of(e)
	if h.awaitsLimit {
		s.limiter.Wait(e.Zone(), false)
	}
	s.confirms.end(h.turn)
	e.SetHeld(false)
	if delete(s.holds, keyOf(e)); len(s.holds) == 0 {
		s.holds = nil
	}
	s.limiter.Held(e.Zone(), -1)
}

// evict ends the registration of a host that is due. It returns false, and changes nothing, if
// there was a contact since the assessment: Entry.Evict is the compare-and-swap of promise 1.
func (s *state[M]) evict(e index.Entry, a *assessment, now int64) (ok bool) {
	if !e.Evict(a.Word) {
		return false
	}
	s.latency.detection.Record(time.Duration(now - a.Contact))
	s.shadow.evicted(e, a, now)
	if s.cfg.EvictionLimit.on() && !s.holds.of(e).expired {
		s.limiter.CountEviction(e.Zone(), now)
	}
	s.depart(e, DepartureEvicted, a, now)
	return true
}

// describeEviction describes an eviction for the Logger, and makes Run log it in time.
func describeEviction[M any](s *state[M], e index.Entry, a *assessment, now int64) {
	d := s.departure(e, DepartureEvicted, a, now)
	s.wakeRunBy(max(now, s.evictions.describe(d.Host.ID, d.Host.Zone, d.Evidence)))
}

// depart does what every departure requires, once, and returns the cleanup to be done, or nil. For
// DepartureEvicted, evict or Evict has ended the registration and a is its assessment; otherwise a
// is nil. Leave, Forget and Confirm shrink the index afterwards, and a sweep does so by itself.
//
// Loads that may wait for memory come before the end of the registration, which is an atomic
// operation and would wait for them.
func (s *state[M]) depart(e index.Entry, k DepartureKind, a *assessment, now int64) *job[M] {
	zone, suspect, held := e.Meta()
	var t *detector.Timeouts
	if s.stalls.HasImpatient() { // otherwise they need not be fetched
		t = e.Timeouts()
	}
	if k != DepartureEvicted {
		e.End()
	}
	if s.evictions != nil && k == DepartureEvicted && s.evictions.note(zone) {
		describeEviction(s, e, a, now)
	}
	j := s.report(e, k, a, now)
	if held {
		s.release(e)
	}
	if suspect {
		s.limiter.Suspect(zone, -1)
	}
	s.limiter.Depart(zone, uint8(k), now)
	if k != DepartureReplaced { // the new registration takes its place
		s.advisor.Update(s.limiter.Hosts(), now)
	}
	if s.claims != nil || len(s.zones.folded) > 0 || len(s.restored.hosts) > 0 {
		s.forgetRare(e)
	}
	s.metadata.clear(e)
	s.index.Remove(e)
	if t != nil {
		s.track(t, -1, now) // at last: its stall threshold applies to the report
	}
	return j
}

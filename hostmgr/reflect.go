package hostmgr

import (
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

// Reflect registers a host as the shared table has it, or updates the host that is registered here.
// It is not a contact, MaxHosts does not apply, and the join does not count as part of a burst for
// Pacing. Of h it uses ID, Metadata, Interval, Incarnation, Registration, Zone and Joined; the rest
// follows from the contacts here and from Vouch.
//
// The registration of the id here decides:
//   - There is none: the host joins. Until it is heard here, only Vouch protects it, unless Depart
//     has ended another registration of the same process within the last 30 s: then its contact
//     here still counts. But if the host was registered by that number and has departed here, and
//     Take has not returned the departure yet, the outcome is Departed, and nothing was changed.
//   - It has the same number: it is updated. What has changed here, and Take has not returned yet,
//     is newer: then its metadata, interval and zone stay as they are here.
//   - It has an equal incarnation, or registries have assigned both incarnations: both are of one
//     process that has announced itself to two registries. It is updated, and gets the numbers of
//     the table. Watchers see EventUpdated, there is no departure, and its contacts here still
//     count, with their history. Its suspicion and its Speaker stay, and a call of While that runs
//     protects the new registration. The host may go on to use the incarnation that this registry
//     has told it.
//   - Its incarnation is lower: it ends as DepartureReplaced, and the host of the table joins.
//   - Its incarnation is greater: the outcome is NewerHere, and nothing was changed.
//
// In all other cases the outcome is Reflected. An error wraps ErrInvalid; nothing was changed then.
// Reflect needs a Begin before.
func (s *Sharing[M]) Reflect(h Host[M], r shared.Reflection) (shared.Outcome, error) {
	a := Announcement[M]{
		ID: h.ID, Metadata: h.Metadata, Interval: h.Interval, Incarnation: h.Incarnation, Zone: h.Zone,
	}
	if err := checkReflected(&h, &a); err != nil {
		return 0, err
	}
	for {
		round := s.r.policies.answers.Load().round
		q := question{interval: a.intervalFor(index.Entry{}, false)}
		if s.r.policies.foreign {
			q.zone = a.Zone
		}
		quoted := s.r.quote(q, 0)
		if out, done := s.reflect(&h, &a, r, round, &quoted); done {
			return out, nil
		}
	}
}

// reflect is Reflect with the answers of the policies. done is false, and nothing was changed, if
// the quote is from before a Reconsider.
func (s *Sharing[M]) reflect(h *Host[M], a *Announcement[M], r shared.Reflection, round uint64, q *quote) (out shared.Outcome, done bool) {
	hash := s.r.index.Hash(a.ID)
	st, now := s.r.lock()
	defer s.r.unlock()
	if st.round != round {
		return 0, false
	}
	st.index.Reserve(hash)
	st.local.applying = true
	defer func() { st.local.applying = false }()
	x := &reflecting[M]{state: st, a: a, r: r, hash: hash, timeouts: q.timeouts, registration: h.Registration, now: now}
	x.joined = st.clock.FromWall(h.Joined, now)
	return x.apply(), true
}

// Assign is Reflect for the keeper and its suspicion alone. It reports whether that registration is
// the current one.
func (s *Sharing[M]) Assign(id string, registration uint64, r shared.Reflection) bool {
	hash := s.r.index.Hash(id)
	st, now := s.r.lock()
	defer s.r.unlock()
	e, ok := st.find(hash, id, registration)
	if !ok || st.local == nil {
		return false
	}
	st.local.applying = true
	defer func() { st.local.applying = false }()
	x := &reflecting[M]{state: st, r: r, now: now}
	x.mark(e)
	x.keep(e)
	return true
}

// A reflecting is one call of Reflect or Assign. Its methods are called with the lock held.
type reflecting[M any] struct {
	state        *state[M]
	a            *Announcement[M] // what the host would announce
	r            shared.Reflection
	hash         index.Hash
	timeouts     *detector.Timeouts
	registration uint64
	joined, now  int64
}

func (x *reflecting[M]) apply() shared.Outcome {
	e, ok := x.state.index.Lookup(x.hash, x.a.ID)
	switch {
	case x.state.local.ended[hostKey{x.hash, x.registration}] > 0:
		return shared.Departed
	case !ok:
		e = x.join()
	case e.Registration() == x.registration:
		x.update(e)
	case e.Incarnation() == x.a.Incarnation || e.Assigned() && x.r.Assigned:
		e = x.renumber(e)
	case e.Incarnation() < x.a.Incarnation:
		e = x.replaceBy(e)
	default:
		return shared.NewerHere
	}
	x.keep(e)
	return shared.Reflected
}

// join begins a registration of an id that is not registered.
func (x *reflecting[M]) join() index.Entry {
	e := x.insert(x.state.local.parted.take(x.hash, x.a.Incarnation, x.r.Assigned, x.now), x.joined)
	x.enter(e, x.state.limiter.Enter(x.a.Zone))
	x.state.limiter.CreditJoin(e.Zone())
	x.joins(e)
	return e
}

// joins reports a join.
func (x *reflecting[M]) joins(e index.Entry) {
	x.state.counts.Joins++
	x.state.recorder.joined(e, x.now)
	x.state.emit(EventJoined, e, nil, x.now)
}

// insert puts a registration into the index. It leaves the numbers that this registry gives out as
// they are, unless they come near those of another member.
func (x *reflecting[M]) insert(contact, joined int64) index.Entry {
	latest := x.state.registrations
	e := x.state.insert(x.a, x.hash, x.timeouts, past{joined, contact, contact, x.registration})
	x.state.registrations = keepApart(latest, x.registration)
	x.mark(e)
	x.state.track(e.Timeouts(), 1, x.now)
	return e
}

// enter puts a registration into a zone, in which the limiter has counted it.
func (x *reflecting[M]) enter(e index.Entry, zone uint8) {
	x.state.zones.enter(e, zone, x.a.Zone)
	x.state.advisor.Update(x.state.limiter.Hosts(), x.now)
}

const (
	nearNumbers = 1 << 24 // registrations
	farNumbers  = 1 << 32
)

// keepApart returns the latest registration number of this registry. Members that started at the
// same time may have numbers near each other: see firstRegistration. Then this registry goes on
// with numbers far from those of the other one.
func keepApart(latest, others uint64) uint64 {
	if others > latest && others-latest < nearNumbers {
		return min(others+farNumbers, maxRegistration)
	}
	return latest
}

// update updates the current registration.
func (x *reflecting[M]) update(e index.Entry) {
	if x.keepContent(e); x.state.policies.foreign && x.a.Zone != x.state.zones.of(e) {
		e.Outdate()
	}
	x.putInto(e, x.a.Zone)
	x.state.setMetadata(e, &x.a.Metadata, nil)
	if *x.timeouts != *e.Timeouts() {
		x.state.replaceTimeouts(e, x.timeouts, x.now)
	}
	x.mark(e)
	x.state.emit(EventUpdated, e, nil, x.now)
}

// putInto moves a host into a zone. An empty name means no zone: the table is right.
func (x *reflecting[M]) putInto(e index.Entry, zone string) {
	suspect, waits := e.Suspect(), x.state.holds.of(e).awaitsLimit
	if suspect {
		x.state.zones.countSuspect(e, waits, -1)
	}
	x.state.zones.put(e, zone)
	if suspect {
		x.state.zones.countSuspect(e, waits, 1)
	}
}

// keepContent replaces the reflected content by that of this registry, if the caller asks for it,
// or if the host has changed here since the last Take: then its content is newer than what the
// caller knows.
func (x *reflecting[M]) keepContent(e index.Entry) {
	if x.r.KeepContent || e.Announced() {
		x.state.metadata.load(e, &x.a.Metadata)
		x.a.Zone, x.timeouts = x.state.zones.of(e), e.Timeouts()
	}
}

// renumber gives the host of a registration the numbers of the table. As in replace, the index has
// the new registration before the old one ends, so a heartbeat always finds one of the two (promise
// 1). A contact of the old one in between is carried over.
func (x *reflecting[M]) renumber(old index.Entry) index.Entry {
	x.state.track(old.Timeouts(), 1, x.now) // so that the stall threshold does not change in between
	defer x.state.track(old.Timeouts(), -1, x.now)
	x.keepContent(old)
	x.succeed(old)
	zone := old.Zone()
	e := x.insert(index.ContactOf(old.Word()), old.Joined())
	if old.Renumbered() || old.Assigned() && old.Incarnation() != x.a.Incarnation {
		e.SetRenumbered()
	}
	e.Touch(old.End())
	e.SetSuspect(old.Suspect())
	x.inherit(e, old)
	x.drop(old)
	x.enter(e, x.state.limiter.Move(zone, x.a.Zone))
	if e.Suspect() {
		x.state.limiter.Suspect(e.Zone(), 1)
	}
	x.state.emit(EventUpdated, e, nil, x.now)
	return e
}

// inherit gives a registration what is known of an earlier one of the same process.
func (x *reflecting[M]) inherit(e, old index.Entry) {
	e.Inherit(old)
	x.state.local.move(old, e)
	x.state.restored.move(keyOf(old), keyOf(e))
	if x.state.claims != nil {
		x.state.claims.Move(claimKey(old), claimKey(e))
	}
	x.state.cleanups.Renumber(e.ID(), old.Registration(), e.Registration())
}

// drop removes a registration that has ended without a departure.
func (x *reflecting[M]) drop(old index.Entry) {
	x.state.release(old)
	if old.Suspect() {
		x.state.limiter.Suspect(old.Zone(), -1)
	}
	x.state.forgetRare(old)
	x.state.metadata.clear(old)
	x.state.track(old.Timeouts(), -1, x.now)
	x.state.index.Remove(old)
}

// replaceBy ends an older registration, and begins that of the table: see replace.
func (x *reflecting[M]) replaceBy(old index.Entry) index.Entry {
	x.state.track(x.timeouts, 1, x.now)
	defer x.state.track(x.timeouts, -1, x.now)
	zone := old.Zone()
	e := x.insert(index.Earliest, x.joined)
	x.state.fence.End(uint64(x.hash), old.Incarnation(), x.now)
	x.state.local.applying = false // Take returns this departure
	x.state.depart(old, DepartureReplaced, nil, x.now)
	x.state.local.applying = true
	x.enter(e, x.state.limiter.Move(zone, x.a.Zone))
	x.joins(e)
	return e
}

// succeed counts the end of the vouching as a contact, if this registry becomes the keeper of a
// host for which the former keeper does not vouch any more.
func (x *reflecting[M]) succeed(e index.Entry) {
	if former := e.Keeper(); former != 0 && x.r.Keeper == 0 && x.state.vouches.until[former] < x.now {
		e.Touch(x.state.vouches.until[former])
	}
}

// mark stores the keeper of a host, and whether the keeper suspects it.
func (x *reflecting[M]) mark(e index.Entry) {
	x.succeed(e)
	if e.Keeper() != x.r.Keeper && !e.Suspect() {
		e.ClearSuspect(e.Word()) // Await ends: a contact that comes in between has cleared it
	}
	e.SetKeeper(x.r.Keeper)
	e.SetAssigned(x.r.Assigned)
	own := ownVerdict(e, x.state.stalls, x.state.policies.needHistory, x.now)
	e.SetDoubted(x.r.Suspect && x.r.Keeper != 0 && own.State >= detector.StateSuspect)
}

// keep assesses a host after its keeper was marked, and makes it suspect or lets it recover.
func (x *reflecting[M]) keep(e index.Entry) {
	var a assessment
	for {
		word := x.state.vouches.heard(e, x.state.stalls, x.state.policies.needHistory, x.now) // it may come since mark
		x.state.assess(&a, e, x.now)
		if e.Doubted() && a.Word != word {
			continue // a contact came in between
		}
		if a.State < detector.StateSuspect || x.state.suspect(e, &a, x.now) {
			break
		}
	}
	x.state.reassess(e, x.now)
	x.state.scheduleCheck(e, min(a.Next(e.Suspect()), x.now+e.Timeouts().MinTimeout(false)+1))
}

package hostmgr

import (
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

// Sharing is the part of a Registry that package share uses. Programs use package share instead.
// All its methods are safe for concurrent use.
//
// In a shared registry each host has one keeper, the registry that judges it. The others mirror the
// host: they register it, and count it as heard as long as its keeper vouches for it. A registry
// that is not shared pays nothing.
type Sharing[M any] struct{ r *Registry[M] }

// Sharing returns the part of the registry for package share.
func (r *Registry[M]) Sharing() *Sharing[M] { return &Sharing[M]{r} }

// Begin makes the registry a shared one, for good. From then on:
//   - only Settle evicts a silent host. A host that is due is held: Host.Hold says that it
//     awaits the other members. The EvictionLimit and Confirm decide before that.
//   - what happens in this registry is noted for Take. At first, all hosts that are registered are
//     noted as changed.
//
// wake is called whenever there is something new for Take, with no lock held. It must not block.
//
// Begin returns an error that wraps ErrRunning, and does nothing, until the End of the Begin
// before. A later one notes all hosts again, without their content.
func (s *Sharing[M]) Begin(wake func()) error {
	if !s.r.member.CompareAndSwap(false, true) {
		return fmt.Errorf("%w: the registry has a member", ErrRunning)
	}
	first := s.begin(wake)
	for c := (index.Cursor{}); !c.Done(); {
		s.noteAll(&c, first)
	}
	return nil
}

// End lets another Begin follow. The registry stays a shared one.
func (s *Sharing[M]) End() { s.r.member.Store(false) }

// begin reports whether it is called for the first time.
func (s *Sharing[M]) begin(wake func()) (first bool) {
	s.r.shared.Store(true)
	st, _ := s.r.lock()
	defer s.r.unlock()
	if first = st.vouches == nil; first {
		st.vouches, st.local = new(vouches), new(localChanges[M])
	}
	st.local.wake = wake
	return first
}

// noteAll notes the hosts in the next bucket.
func (s *Sharing[M]) noteAll(c *index.Cursor, content bool) {
	st, _ := s.r.lock()
	defer s.r.unlock()
	st.index.Advance(c, func(e index.Entry) {
		if content {
			st.local.noteContent(e, &st.todo.wake)
		} else {
			st.local.note(e, &st.todo.wake)
		}
	})
}

// Clock returns Config.Clock.
func (s *Sharing[M]) Clock() clock.Clock { return s.r.cfg.Clock }

// SinceSweep returns the time since a sweep last observed the hosts. Under Run it is short.
func (s *Sharing[M]) SinceSweep() time.Duration {
	v, now := s.r.rlock()
	defer s.r.mu.RUnlock()
	return time.Duration(now - v.stalls.LastObserved())
}

// Take returns what has happened in this registry since the last Take, at most so many of each:
//   - hosts that joined, were refreshed or updated, became suspect or due, recovered, or had the
//     contact that Await waits for, each once. Look says what they are now. A host may have
//     departed since, or joined again. A host that stays due is returned again about once a second.
//   - departures, in order. They have Attempt 0, and must not be changed. Departures that Reflect
//     caused are included, those by Depart are not.
func (s *Sharing[M]) Take(hosts, departures int) (changed []shared.Change, departed []*Departure[M]) {
	st, _ := s.r.lock()
	defer s.r.unlock()
	if st.local == nil {
		return nil, nil
	}
	return st.local.takeHosts(st.index, hosts), st.local.takeDepartures(st.index, departures)
}

// Look returns a host as Get does, and what this registry alone knows of it.
func (s *Sharing[M]) Look(id string) (h Host[M], p shared.Private, ok bool) {
	hash := s.r.index.Hash(id)
	v, now := s.r.rlock()
	defer s.r.mu.RUnlock()
	e, ok := v.index.Lookup(hash, id)
	if ok {
		v.snapshot(&h, e, id, now)
		p = privateOf(v, e, now)
	}
	return h, p, ok
}

// Scan yields all hosts, as Registry.All does. The loop body may call the registry. An id must be
// cloned if it is kept: see AllMetadata.
func (s *Sharing[M]) Scan(yield func(id string, registration uint64, p shared.Private) bool) {
	type found struct {
		id           string
		registration uint64
		shared.Private
	}
	var page []found
	advance := func(c *index.Cursor) {
		v, now := s.r.rlock()
		defer s.r.mu.RUnlock()
		v.index.Advance(c, func(e index.Entry) {
			page = append(page, found{e.ID(), e.Registration(), privateOf(v, e, now)})
		})
	}
	for c := (index.Cursor{}); !c.Done(); page = page[:0] {
		advance(&c)
		for _, f := range page {
			if !yield(f.id, f.registration, f.Private) {
				return
			}
		}
	}
}

func privateOf[M any](v *view[M], e index.Entry, now int64) shared.Private {
	a := ownVerdict(e, v.stalls, v.policies.needHistory, now)
	return shared.Private{
		Keeper: e.Keeper(), Assigned: e.Assigned(), Word: a.Word, Now: now,
		Heard: wasHeard(&a),
		Due:   v.holds.of(e).awaitsOnlyMembers(a.Word), Timeout: a.timeouts(e).Evict,
		Ago: time.Duration(now - index.ContactOf(a.Word)),
	}
}

// wasHeard reports whether a host was heard here within its timeout, by its own verdict.
func wasHeard(own *assessment) bool {
	return !index.NeverHeard(own.Word) && own.State < detector.StateOffline
}

// Vouch makes the hosts of a keeper count as heard until now + until, which may be negative. A
// later call replaces an earlier one. Before Begin it does nothing.
//
// If a call moves that time back, the next check of a host may come late by the difference. If a
// keeper begins to vouch again, the next sweep ends the suspicion of its hosts.
func (s *Sharing[M]) Vouch(keeper uint8, until time.Duration) {
	st, now := s.r.lock()
	defer s.r.unlock()
	if st.vouches != nil && st.vouches.vouch(keeper, now, int64(until)) && st.limiter.All().Suspects > 0 {
		st.index.LowerAll(now)
		st.wakeRunBy(now)
	}
}

// Settle evicts a host that awaits the other members, because they have agreed. Asked is the Now
// at which they were asked. The outcome is Evicted, or the host is still registered:
//   - Saved: it has had a contact since its word was read, or does not await the members. Or a
//     stall or a longer timeout has moved its deadline: it is not due, or was not when they were
//     asked, so a contact that saves it may have come to them since. Take returns it again while it
//     is due.
//   - Unknown: that registration has ended.
//   - TooLate: by Config.Clock it is not before until.
//
// It compares and evicts in one atomic step, as a sweep does.
func (s *Sharing[M]) Settle(id string, registration uint64, word, asked int64, until time.Time) shared.Outcome {
	hash := s.r.index.Hash(id)
	st, now := s.r.lock()
	defer s.r.unlock()
	e, ok := st.find(hash, id, registration)
	switch {
	case !ok:
		return shared.Unknown
	case !st.clock.Reading(now).Before(until):
		return shared.TooLate
	case !st.holds.of(e).awaitsOnlyMembers(word):
		return shared.Saved
	}
	var a assessment
	st.assess(&a, e, now)
	if a.State != detector.StateOffline {
		st.release(e)
		return shared.Saved
	}
	if a.Word != word || a.EvictAt > asked || !st.evict(e, &a, now) {
		return shared.Saved
	}
	st.index.Shrink(e)
	return shared.Evicted
}

// Depart ends a registration because another member has decided so, and reports whether there was
// that registration. The kind and the evidence are those of d. Config.Cleanup, watchers and figures
// get the departure as any other, with the host as it is here. A kind that this version does not
// know counts as DepartureEvicted.
func (s *Sharing[M]) Depart(d *Departure[M]) bool {
	hash := s.r.index.Hash(d.Host.ID)
	st, now := s.r.lock()
	defer s.r.unlock()
	e, ok := st.find(hash, d.Host.ID, d.Host.Registration)
	if !ok || st.local == nil {
		return false
	}
	st.local.applying = true
	defer func() { st.local.applying = false }()
	departElsewhere(st, e, d, now)
	st.index.Shrink(e)
	return true
}

// departElsewhere ends a registration as another member has ended it.
func departElsewhere[M any](s *state[M], e index.Entry, d *Departure[M], now int64) {
	if d.Kind == DepartureLeft || d.Kind == DepartureReplaced {
		s.fence.End(uint64(e.Hash()), e.Incarnation(), now)
	}
	own := ownVerdict(e, s.stalls, s.policies.needHistory, now)
	contact := e.End()
	if wasHeard(&own) || contact != index.ContactOf(own.Word) { // a contact may come in between
		s.local.parted.add(e, contact, now)
	}
	var a assessment
	s.assess(&a, e, now)
	a.elsewhere, a.judgement = &d.Evidence, d.Judgement
	kind := d.Kind
	if kind < DepartureLeft || kind > DepartureForgotten {
		kind = DepartureEvicted
	}
	if kind == DepartureEvicted {
		s.shadow.evicted(e, &a, now)
		if s.cfg.EvictionLimit.on() && d.Judgement == "" {
			s.limiter.CountEviction(e.Zone(), now)
		}
	}
	s.depart(e, kind, &a, now)
}

func checkReflected[M any](h *Host[M], a *Announcement[M]) error {
	if h.Registration == 0 || h.Registration > maxRegistration {
		return fmt.Errorf("%w: Registration %d is not from 1 to %d", ErrInvalid, h.Registration, uint64(maxRegistration))
	}
	if h.Incarnation == 0 {
		return fmt.Errorf("%w: Incarnation 0", ErrInvalid)
	}
	return checkAnnouncement(a)
}

package hostmgr

import (
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
	"github.com/hostlife/hostlife/hostmgr/internal/recent"
)

// What ended is over (promise 3). An announce may be on its way while its host leaves, or is
// replaced. If it came back to life, it would be a ghost: a host that no process is behind. So the
// registry remembers the incarnation of a Leave, and of a replaced registration, for 5 minutes.
//
// An eviction by silence is not remembered: the host was alive after all if it announces again.

// An ending is one call of Leave, Evict, Forget or ForgetFor. end and endAndAwait are called with
// no lock held.
type ending[M any] struct {
	r           *Registry[M]
	id          string
	incarnation uint64 // 0: the current one
	kind        DepartureKind
	keepOut     time.Duration
	judgement   string // for DepartureEvicted
}

// endAndAwait ends the registration, and waits for the first try of its cleanup.
func (x *ending[M]) endAndAwait(ctx context.Context) error {
	j, err := x.end()
	if j == nil || err != nil {
		return err
	}
	if !x.r.running.Load() {
		defer x.r.log.Flush() // what the cleanup here may have logged
	}
	if err = x.r.cleanups.Await(orBackground(ctx), j); err != nil {
		return fmt.Errorf("%w: %w", ErrCleanupPending, err)
	}
	return nil
}

// end ends the registration, and returns its cleanup, or nil.
//
// The end is remembered under the same lock as the departure. So after end has returned, an
// announce either came before it, and has ended too, or finds the memory.
func (x *ending[M]) end() (*job[M], error) {
	h := x.r.index.Hash(x.id)
	s, now := x.r.lock()
	defer x.r.unlock()
	e, err := s.findFor(h, x.id, x.incarnation)
	if err != nil {
		return nil, err
	}
	if !x.remember(s, h, max(e.Incarnation(), x.incarnation), now) { // it may have been told a greater one
		return nil, ErrFull
	}
	var a *assessment
	if x.kind == DepartureEvicted {
		a = x.judge(s, e, now)
	}
	j := s.depart(e, x.kind, a, now)
	s.index.Shrink(e)
	return j, nil
}

// remember remembers that an incarnation ends, unless it may come back. It returns false if there
// is no room.
func (x *ending[M]) remember(s *state[M], h index.Hash, incarnation uint64, now int64) (ok bool) {
	switch {
	case x.kind == DepartureLeft:
		s.fence.End(uint64(h), incarnation, now)
	case x.keepOut > 0:
		return s.fence.KeepOut(uint64(h), incarnation, now, now+min(int64(x.keepOut), never-now))
	}
	return true
}

// begin begins the registration of an id that is not registered, unless the announcement comes from
// what has ended.
func (s *state[M]) begin(a *Announcement[M], h index.Hash, q *quote, now int64) (Ack, error) {
	refused, latest := lookUp(&s.fence, h, a.Incarnation, now)
	if refused {
		return Ack{Incarnation: latest}, ErrStale
	}
	s.incarnation = max(s.incarnation, min(latest, maxIncarnation)) // so that a greater one is assigned
	at := a.contact(s.clock, now)
	return s.join(a, h, q, now, past{at, at, at, 0})
}

// beginAnother begins a registration in place of the current one, unless the announcement comes
// from what has ended, or from an older incarnation.
func (x *applying[M]) beginAnother() (Ack, error) {
	refused, latest := lookUp(&x.state.fence, x.hash, x.a.Incarnation, x.now)
	switch {
	case refused:
		return x.stale(latest)
	case x.a.Incarnation > x.current.Incarnation():
		return x.state.replace(x.current, &x.a, x.hash, &x.first, x.now), nil
	case !x.yield():
		return x.stale(latest)
	default:
		return x.state.begin(&x.a, x.hash, &x.first, x.now)
	}
}

// stale refuses an announcement. ended is the greatest incarnation that the fence refuses, or 0. It
// is a conflict if another speaker has the id: two machines that choose their incarnations when
// they start never have equal ones.
func (x *applying[M]) stale(ended uint64) (Ack, error) {
	if x.a.Speaker != "" && x.state.claims.Of(claimKey(x.current)).Contradicts(x.state.said(&x.a)) {
		x.state.conflict(x.a.ID)
	}
	return Ack{Incarnation: max(ended, x.current.Incarnation())}, ErrStale
}

// lookUp returns whether the fence refuses an incarnation. If it does, latest is the greatest one
// that it refuses. For incarnation 0, latest is the latest one of the id that has ended, or 0. It
// is not generic, so that the compiler inlines Empty, which is true most often: see
// assessment.assess.
func lookUp(f *recent.Fence, h index.Hash, incarnation uint64, now int64) (refused bool, latest uint64) {
	switch {
	case f.Empty():
		return false, 0
	case f.Refuses(uint64(h), incarnation, now):
		return true, f.Greatest(uint64(h), now)
	case incarnation == 0:
		latest = f.Ended(uint64(h), now)
	}
	return false, latest
}

const maxIncarnation = 1<<64 - 1<<40 // leaves numbers to assign

const maxUnanswered = int64(5 * time.Minute)

// yield evicts a host for an announce of an older incarnation, and reports whether it did. The host
// is due, and only Confirm holds it: Confirm has refused or failed, or has not answered for 5
// minutes since the hold began.
//
// This bounds the fence. The clock of a host may go back, and then its process restarts with a
// lower incarnation. A Confirm that probes the address finds the new process alive, and holds the
// old registration for ever.
//
// A shared registry does not: only the host's keeper may evict it.
//
// It compares and evicts, as a sweep does: a heartbeat at this moment saves the registration.
func (x *applying[M]) yield() (evicted bool) {
	h := x.state.holds.of(x.current)
	if x.state.vouches != nil || h.awaitsLimit || h.confirm == notAsked || h.confirm == awaitsConfirm && x.now-h.since <= maxUnanswered {
		return false
	}
	var a assessment
	x.state.assess(&a, x.current, x.now)
	return a.State == detector.StateOffline && x.state.evict(x.current, &a, x.now)
}

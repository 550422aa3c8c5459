package hostmgr

import (
	"errors"
	"fmt"
	"iter"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

const maxRestoreErrors = 8

// Restore registers hosts from a snapshot of another registry or an earlier process, and takes over
// the cleanups that it owed. The hosts are those that Registry.All has yielded. Each host keeps its
// incarnation, interval, zone, time of joining, registration number and last contact. A host whose
// id is registered already is skipped.
//
// The silence of a host starts at the call, because no registry observed it in between. So it has
// its full timeout. But until a contact comes, Host.LastContact is that of the snapshot, and the
// state is that of the snapshot too:
//   - A host that was StateSuspect or StateOffline is StateSuspect. It counts as missing for the
//     EvictionLimit, Sample does not offer it, and watchers get EventJoined and EventSuspected. Its
//     first contact ends the suspicion.
//   - Any other host is StateLate if its last contact was longer ago than its interval. That
//     includes a Host made by hand, which has no State.
//
// Times up to 292 years ago are kept. A LastContact or Joined that is zero or in the future counts
// as the time of the call. Speakers and revisions are not restored: the next announce has them
// again.
//
// Each sequence of owed has departures that Registry.Pending has yielded. This registry owes their
// cleanups from then on, and does them before those of later departures of the same id. They emit
// no event and Stats.Departures does not count them: the earlier process did. A departure is
// skipped if its cleanup is pending already, or if Config.Cleanup is nil. A host is skipped if the
// cleanup of its registration is owed: it has departed since the snapshot. See the package Example
// "Restart".
//
// An incarnation that left at most 5 minutes before the call, by Departure.At, has ended here too:
// its announces get ErrStale for 5 minutes. The exception is an id that is registered already, with
// that incarnation or an older one.
//
// Restore returns how many hosts joined. The error joins the first 8 errors of hosts that did not
// join, which wrap ErrInvalid or are ErrFull, and of departures, which wrap ErrInvalid. Such a host
// or departure does not affect the others.
func (r *Registry[M]) Restore(hosts iter.Seq[Host[M]], owed ...iter.Seq[Departure[M]]) (int, error) {
	var errs restoreErrors
	for _, departures := range owed {
		for d := range orEmpty(departures) {
			_, err := owe(r, d)
			errs.add("departure of host", d.Host.ID, err)
		}
	}
	joined := 0
	for h := range orEmpty(hosts) {
		ok, err := r.restore(h)
		if ok {
			joined++
		}
		errs.add("host", h.ID, err)
	}
	return joined, errs.join()
}

func orEmpty[V any](s iter.Seq[V]) iter.Seq[V] {
	if s == nil {
		return func(func(V) bool) {}
	}
	return s
}

// restoreErrors has the first errors of a Restore.
type restoreErrors struct {
	errs []error
	all  int
}

func (e *restoreErrors) add(what, id string, err error) {
	if err == nil {
		return
	}
	if e.all++; e.all <= maxRestoreErrors {
		e.errs = append(e.errs, fmt.Errorf("%s %.64q: %w", what, id, err))
	}
}

func (e *restoreErrors) join() error {
	if more := e.all - len(e.errs); more > 0 {
		e.errs = append(e.errs, fmt.Errorf("hostmgr: %d more hosts not restored", more))
	}
	return errors.Join(e.errs...)
}

func (r *Registry[M]) restore(h Host[M]) (bool, error) {
	a := Announcement[M]{
		ID: h.ID, Metadata: h.Metadata, Interval: h.Interval,
		Incarnation: h.Incarnation, Zone: h.Zone,
	}
	if err := checkAnnouncement(&a); err != nil {
		return false, err
	}
	if h.Registration > maxRegistration {
		return false, fmt.Errorf("%w: Registration %d is above %d", ErrInvalid, h.Registration, uint64(maxRegistration))
	}
	c := announcing[M]{r: r, hash: r.index.Hash(a.ID)}
	for {
		round := r.policies.answers.Load().round
		q := question{interval: a.intervalFor(index.Entry{}, false)}
		if r.policies.foreign {
			q.zone = a.Zone
		}
		if ok, done, err := c.restore(&h, &a, round, r.quote(q, 0)); done {
			return ok, err
		}
	}
}

// restore registers a host from a snapshot. done is false, and nothing was changed, if the quote is
// from before a Reconsider.
func (c *announcing[M]) restore(h *Host[M], a *Announcement[M], round uint64, q quote) (ok, done bool, err error) {
	s, now := c.r.lock()
	defer c.r.unlock()
	if s.round != round {
		return false, false, nil
	}
	s.index.Reserve(c.hash)
	c.r.restoredAt.Store(now)
	if _, ok := s.index.Lookup(c.hash, a.ID); ok || h.Registration != 0 && s.cleanups.Has(h.ID, h.Registration) {
		return false, true, nil
	}
	p := past{s.clock.FromWall(h.Joined, now), now, s.clock.FromWall(h.LastContact, now), h.Registration}
	if _, err = s.join(a, c.hash, &q, now, p); err != nil {
		return false, true, err
	}
	if h.State >= StateSuspect && a.Interval != Never {
		c.suspect(s, a.ID, now)
	}
	return true, true, nil
}

// suspect makes a host that was restored just now suspect, unless there was a contact since.
func (c *announcing[M]) suspect(s *state[M], id string, now int64) {
	e, ok := s.index.Lookup(c.hash, id)
	if !ok {
		return
	}
	s.restored.suspect(e, now)
	var a assessment
	if s.assess(&a, e, now); a.State >= detector.StateSuspect {
		s.suspect(e, &a, now)
	}
}

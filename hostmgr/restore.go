package hostmgr

import (
	"errors"
	"fmt"
	"iter"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

const maxRestoreErrors = 8

// Restore registers hosts from a snapshot of another registry or an earlier process. Registry.All
// yields such a snapshot. Each host keeps its incarnation, interval, zone, time of joining,
// registration number and last contact. A host with an id that is registered already is skipped.
//
// The silence of a host starts at the call, because no registry observed it in between. So it has
// its full timeout, and is neither suspect nor counted as missing before that. But until a contact
// comes, Host.LastContact is that of the snapshot, and the host is StateLate if that was longer ago
// than its interval. Times up to 292 years ago are kept. If LastContact is zero or in the future,
// it counts as one at the call; the same goes for Joined. Speakers and revisions are not restored:
// the next announce says them again.
//
// Restore returns how many hosts joined. The error joins the first 8 errors of hosts that did not
// join, which wrap ErrInvalid or are ErrFull. It does not affect the other hosts.
func (r *Registry[M]) Restore(hosts iter.Seq[Host[M]]) (int, error) {
	if hosts == nil {
		return 0, nil
	}
	var errs []error
	joined, bad := 0, 0
	for h := range hosts {
		ok, err := r.restore(h)
		if ok {
			joined++
		}
		if err == nil {
			continue
		}
		if bad++; bad <= maxRestoreErrors {
			errs = append(errs, fmt.Errorf("host %.64q: %w", h.ID, err))
		}
	}
	if bad > maxRestoreErrors {
		errs = append(errs, fmt.Errorf("hostmgr: %d more hosts not restored", bad-maxRestoreErrors))
	}
	return joined, errors.Join(errs...)
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
	if _, ok := s.index.Lookup(c.hash, a.ID); ok {
		return false, true, nil
	}
	p := past{s.clock.FromWall(h.Joined, now), now, s.clock.FromWall(h.LastContact, now), h.Registration}
	_, err = s.join(a, c.hash, &q, now, p)
	return err == nil, true, err
}

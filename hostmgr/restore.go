package hostmgr

import (
	"errors"
	"fmt"
	"iter"
)

const (
	maxRestoreErrors = 8
	maxLife          = 1<<63 - 1<<40 // leaves numbers for all that join afterwards
)

// Restore lets hosts join that another registry, or an earlier process, had:
// each with its incarnation, interval, time of joining (to 292 years) and Life, but with its full
// patience afresh, for nobody was listening in between. A host whose id already
// lives here is passed over: who is here wins. It returns how many joined, and
// what was wrong with others (the first few of them: ErrInvalid, ErrFull), which
// changes nothing for the rest.
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
	if err := check(&a); err != nil {
		return false, err
	}
	if h.Life > maxLife {
		return false, fmt.Errorf("%w: Life %d is above %d", ErrInvalid, h.Life, uint64(maxLife))
	}
	o := r.offer(a.Interval, 0)
	place := r.table.hash(a.ID)
	now := r.lock()
	defer r.unlock()
	r.table.room(place)
	if _, ok := r.table.exactly(place, a.ID); ok {
		return false, nil
	}
	_, err := r.join(a, place, o, now, r.time.at(h.Joined, now), h.Life)
	return err == nil, err
}

package hostmgr

import (
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Pending yields the departures whose cleanup is owed: it waits for its turn or for a call of
// While, is in its pause, runs, or was left behind. They come in the order in which the hosts
// departed; those of an earlier process come in the order in which Restore took them. Attempt is
// the number of calls of Cleanup that have begun, 0 if none has.
//
// Pending yields what is owed when the loop begins, each departure as it was shortly before its
// turn. So a cleanup may have succeeded since. A departure that was given up is not owed. The loop
// body may call the registry.
//
// To keep the cleanups over a restart, store what Pending yields after the end of Run, and pass it
// to Restore in the next process. Packages encoding/json and encoding/gob encode all of a
// Departure, if they can encode the metadata.
func (r *Registry[M]) Pending() iter.Seq[Departure[M]] {
	return func(yield func(Departure[M]) bool) {
		for t := range r.cleanups.Pending() {
			d := *t.Value
			d.Attempt = t.Tries
			if !yield(d) {
				return
			}
		}
	}
}

// owe queues the cleanup of a departure of an earlier process, for Restore. Attempts go on from
// Departure.Attempt. The departure is not counted, recorded or shown to watchers: the earlier
// process has done that. owe returns false without an error if there is nothing to do:
//   - Config.Cleanup is nil;
//   - the cleanup of that registration is pending already;
//   - that registration is the current one of its host: then it will depart in this process.
//
// The errors wrap ErrInvalid. owe is called with no lock held.
func owe[M any](r *Registry[M], d Departure[M]) (queued bool, err error) {
	if err := checkOwed(&d); err != nil {
		return false, err
	}
	h := r.index.Hash(d.Host.ID)
	s, now := r.lock()
	defer r.unlock()
	if _, ok := s.find(h, d.Host.ID, d.Host.Registration); ok {
		return false, nil
	}
	s.registrations = max(s.registrations, d.Host.Registration) // it is not used again
	learnEnd(s, h, &d, now)
	d.Attempt = min(max(0, d.Attempt), math.MaxInt32)
	due := max(s.clock.FromWall(d.owedSince(), now), now-never) // so that no latency overflows
	if d.At.IsZero() {
		d.At = s.clock.Wall(now)
	}
	s.todo.cleanups = s.cleanups.AddOnce(toClean(&d, due), now)
	return s.todo.cleanups, nil
}

// learnEnd remembers that the incarnation of a departure has ended, as Leave did in the earlier
// process. But if the current registration has that incarnation or an older one, the incarnation
// may still announce itself.
func learnEnd[M any](s *state[M], h index.Hash, d *Departure[M], now int64) {
	if d.Kind != DepartureLeft {
		return
	}
	if e, ok := s.index.Lookup(h, d.Host.ID); ok && e.Incarnation() <= d.Host.Incarnation {
		return
	}
	s.fence.Learn(uint64(h), d.Host.Incarnation, s.clock.FromWall(d.At, now), now)
}

func checkOwed[M any](d *Departure[M]) error {
	switch {
	case d.Kind == 0 || d.Kind >= DepartureForgotten:
		return fmt.Errorf("%w: a departure of kind %v has no cleanup", ErrInvalid, d.Kind)
	case d.Host.Registration > maxRegistration:
		return fmt.Errorf("%w: Registration %d is above %d", ErrInvalid, d.Host.Registration, uint64(maxRegistration))
	}
	return checkName("id", d.Host.ID, 1)
}

// owedSince returns when the latency of a cleanup begins, as for a departure of this process: with
// the departure, or the deadline of a host that was evicted by silence.
func (d *Departure[M]) owedSince() time.Time {
	if d.Kind == DepartureEvicted && d.Judgement == "" && !d.Host.EvictAt.IsZero() && d.Host.EvictAt.Before(d.At) {
		return d.Host.EvictAt
	}
	return d.At
}

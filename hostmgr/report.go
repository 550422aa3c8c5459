package hostmgr

import (
	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// report tells the cleanup queue, the shadow, the recorder, the watchers and Registry.Departures of
// a departure. Most often in a mass eviction none of them needs it, as a watcher that has fallen
// behind.
func (s *state[M]) report(e index.Entry, k DepartureKind, a *assessment, now int64) *job[M] {
	cleans := s.cfg.Cleanup != nil && k != DepartureForgotten
	if cleans || s.tracksGaps || s.local != nil || s.latest.wants(now) || s.isAwaited(e) {
		return s.reportFully(e, k, cleans, a, now)
	}
	s.skipEvent(e)
	return nil
}

func (s *state[M]) reportFully(e index.Entry, k DepartureKind, cleans bool, a *assessment, now int64) *job[M] {
	if a == nil {
		a = new(assessment)
		s.assess(a, e, now)
	}
	var d *Departure[M]
	awaited, kept := s.isAwaited(e), s.latest.wants(now)
	if cleans || awaited || kept || s.local != nil {
		d = s.departure(e, k, a, now)
		s.local.noteDeparture(keyOf(e), d, &s.todo.wake)
	}
	if kept {
		s.latest.keep(d, s.plain || s.cfg.KeepMetadata, now)
	}
	var j *job[M]
	if cleans {
		j = s.queueCleanup(d, awaited || kept || s.local != nil, a, now)
	}
	if s.tracksGaps {
		last := a.last(e, now)
		s.shadow.departed(k, a.timeouts(e), last, now)
		s.recorder.silence(k.String(), e, a, s.holds.of(e), last, now)
	}
	s.emitDeparture(e, d, now)
	return j
}

// queueCleanup queues the cleanup of a departure. Its latency counts from the departure, after an
// eviction by silence from the deadline. The queue gets a copy of a departure that is shared with
// watchers, with Registry.Departures or with the owner of Sharing.
func (s *state[M]) queueCleanup(d *Departure[M], shared bool, a *assessment, now int64) *job[M] {
	if shared {
		own := *d
		d = &own
	}
	due := now
	if d.Kind == DepartureEvicted && d.Judgement == "" && a.elsewhere == nil {
		due = a.EvictAt
	}
	s.todo.cleanups = true
	return s.cleanups.Add(toClean(d, due), now)
}

// toClean returns the task of the cleanup of a departure.
func toClean[M any](d *Departure[M], due int64) cleanup.Task[*Departure[M]] {
	return cleanup.Task[*Departure[M]]{
		ID: d.Host.ID, Registration: d.Host.Registration, Value: d, Due: due, Tries: d.Attempt,
	}
}

// forgetRare forgets what is kept in maps by registration, for few hosts.
func (s *state[M]) forgetRare(e index.Entry) {
	s.zones.leave(e)
	if s.claims != nil {
		s.claims = s.claims.Forget(claimKey(e))
	}
	if len(s.restored.hosts) > 0 {
		s.restored.drop(keyOf(e))
	}
}
